"""The thread that does one piece of work after the other."""

import threading
from functools import partial

import pytest

from bridge.storage.work_thread import Job, WorkThread

SOON_S = 10.0


def test_work_is_done_in_order_in_another_thread() -> None:
    thread, done = WorkThread("worker"), list[tuple[int, str]]()

    def note(number: int) -> None:
        done.append((number, threading.current_thread().name))

    jobs = [Job(partial(note, number)) for number in range(100)]
    for job in jobs:
        thread.submit(job)
    assert jobs[-1].wait(SOON_S)
    assert done == [(number, "worker") for number in range(100)]
    thread.close()


def test_a_job_gives_its_result_or_raises_its_error() -> None:
    thread = WorkThread("worker")
    good, bad = Job(lambda: 4), Job(lambda: 4 // 0)
    thread.submit(bad)
    thread.submit(good)
    assert good.result() == 4
    with pytest.raises(ZeroDivisionError):
        bad.result()
    thread.close()


def test_a_wait_ends_at_its_timeout_and_can_be_repeated() -> None:
    thread, go = WorkThread("worker"), threading.Event()
    job = Job(go.wait)
    thread.submit(job)
    assert not job.wait(0.0)
    assert not job.wait(0.01)
    assert not job.done
    go.set()
    assert job.wait(SOON_S)
    assert job.wait(0.0)
    assert job.done
    thread.close()


def test_a_closed_thread_has_done_everything_and_takes_nothing_more() -> None:
    thread, done = WorkThread("worker"), list[int]()
    for number in range(10):
        thread.submit(Job(partial(done.append, number)))
    thread.close()
    assert done == list(range(10))
    with pytest.raises(RuntimeError):
        thread.submit(Job(lambda: None))
    assert "worker" not in {each.name for each in threading.enumerate()}
