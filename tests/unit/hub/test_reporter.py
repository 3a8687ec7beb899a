"""The reporter: what it publishes, in which order, and when it repeats a report."""

from bridge.hub.line import Renewal
from tests.unit.hub.reporter_rig import ReporterRig, report, said_by


def test_a_change_is_reported_once() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.x", 1)
    assert rig.publish_all() == [("A", "evt.x", 1)]
    rig.reporter.mark("A")
    assert rig.publish_all() == []
    rig.set("A", "evt.x", 2)
    assert rig.publish_all() == [("A", "evt.x", 2)]


def test_a_report_does_not_wait_until_the_others_of_its_thing_are_made() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.publish_all()
    types = ["evt.x", "evt.y", "evt.z"]
    rig.values |= {("A", type_): 1 for type_ in types}
    rig.reporter.mark("A")
    for count, type_ in enumerate(types, 1):
        assert said_by(rig.take())[1] == type_
        assert rig.made == types[:count]


async def test_nothing_of_a_thing_follows_its_exclusion() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.values["A", "evt.x"] = rig.values["A", "evt.y"] = 1
    rig.connect()
    rig.reporter.acknowledged(rig.take())
    rig.things.remove("A")
    rig.gone.add("A")
    rig.reporter.mark("A")
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.thing.exclusion_report"]


def test_a_new_thing_is_included_before_its_reports() -> None:
    rig = ReporterRig("A")
    rig.values["A", "evt.x"] = 1
    rig.connect()
    first, *rest = rig.publish_all()
    assert (first[1], rest) == ("evt.thing.inclusion_report", [("A", "evt.x", 1)])
    assert rig.told_log == [("evt.thing.inclusion_report", "A")]


def test_a_report_counts_as_published_only_after_its_acknowledgement() -> None:
    rig = ReporterRig("A")
    rig.values["A", "evt.x"] = 1
    rig.connect()
    rig.take_all()
    assert rig.told_log == []
    rig.reporter.lost()
    rig.connect()
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.thing.inclusion_report", "evt.x"]


def test_a_broker_that_comes_back_gets_every_report_but_the_inclusions() -> None:
    rig = ReporterRig("A", "B", acknowledged_before=["A", "B"])
    for thing in ("A", "B"):
        rig.values[thing, "evt.x"] = thing
    rig.connect()
    first = rig.publish_all()
    rig.reporter.lost()
    rig.connect()
    assert rig.publish_all() == first == [("A", "evt.x", "A"), ("B", "evt.x", "B")]


def test_states_are_passed_on_in_order_and_measurements_merge() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    for number in range(5):
        rig.values["A", "evt.power"] = number
        rig.state("A", f"s{number}")
    said = rig.publish_all()
    assert [value for _, type_, value in said if type_ == "evt.state.report"] == ["s0", "s1", "s2", "s3", "s4"]
    assert [value for _, type_, value in said if type_ == "evt.power"] == [4]


def test_an_error_report_of_a_change_is_published_once_over_several_reconnects() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.faults = ["ERR_NOT_SUPPORTED"]
    rig.state("A", "s0")  # while the broker is away
    rig.connect()
    assert [value for _, type_, value in rig.publish_all() if type_ == "evt.error.report"] == ["ERR_NOT_SUPPORTED"]
    rig.reporter.lost()
    rig.connect()
    rig.state("A", "s1")
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.state.report"]


def test_while_the_broker_is_away_states_merge() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.state("A", "s0")
    rig.state("A", "s1")
    rig.connect()
    assert rig.publish_all() == [("A", "evt.state.report", "s1")]
    rig.state("A", "s2")
    rig.reporter.take()
    rig.state("A", "s3")
    rig.reporter.lost()
    rig.state("A", "s4")
    rig.connect()
    assert rig.publish_all() == [("A", "evt.state.report", "s4")]


def test_a_new_description_goes_before_the_state_that_needs_it() -> None:
    rig = ReporterRig("A")
    rig.values["A", "evt.state.report"] = "s0"
    rig.connect()
    rig.state("A", "s1")
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.thing.inclusion_report", "evt.state.report"]


def test_an_answer_is_published_first_and_not_repeated_as_a_report() -> None:
    rig = ReporterRig(*(f"T{number}" for number in range(50)))
    rig.before = rig.things
    rig.connect()
    for thing in rig.things:
        rig.set(thing, "evt.x", 1)
    rig.answer("T40", report("evt.x", 1, "T40"), "c")
    said = rig.publish_all()
    assert said[0] == ("T40", "evt.x", 1)
    assert said.count(("T40", "evt.x", 1)) == 1


def test_answers_survive_a_loss_in_their_order_and_are_counted() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    for number in range(3):
        rig.answer("A", report("evt.y", number, "A"), f"c{number}")
    rig.take_all()
    rig.reporter.lost()
    assert rig.reporter.answers_waiting == 3
    rig.connect()
    assert [value for _, _, value in rig.publish_all()] == [0, 1, 2]
    assert rig.reporter.answers_waiting == 0


async def test_new_things_wait_for_one_renewal_of_the_will() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.publish_all()
    rig.things += ["B", "C"]
    for thing in ("B", "C"):
        rig.set(thing, "evt.x", 1)
    rig.set("A", "evt.x", 1)
    assert rig.publish_all() == [("A", "evt.x", 1)]
    await rig.reporter.wait_for_work()  # the renewal is due
    assert isinstance(rig.reporter.take(), Renewal)
    rig.reporter.lost()
    rig.connect(renewed=True)
    assert [subject for subject, type_, _ in rig.publish_all() if "inclusion" in type_] == ["B", "C"]
    assert rig.reporter.is_settled


async def test_a_removed_thing_is_excluded_and_the_will_renewed() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.values["A", "evt.x"] = 1
    rig.connect()
    rig.publish_all()
    rig.things.remove("A")
    rig.gone.add("A")
    rig.reporter.mark("A")
    assert rig.publish_all() == [("A", "evt.thing.exclusion_report", {"address": "A"})]
    await rig.reporter.wait_for_work()
    assert isinstance(rig.reporter.take(), Renewal)
    rig.reporter.lost()
    rig.connect(renewed=True)
    assert rig.publish_all() == []
    rig.things.append("A")  # it comes back, so everything is reported again
    rig.reporter.connected(["A"], renewed=True)
    rig.reporter.mark("A")
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.thing.inclusion_report", "evt.x"]


def test_a_report_with_an_interval_is_repeated_after_it() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.meter.report", 5)
    rig.set("A", "evt.x", 5)
    rig.publish_all()
    rig.clock.move(29 * 60)
    rig.reporter.tick()
    assert rig.publish_all() == []
    rig.clock.move(60)
    rig.reporter.tick()
    assert rig.publish_all() == [("A", "evt.meter.report", 5)]


def test_a_report_that_changes_with_time_is_published_on_time() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.changes["A"] = 60.0
    rig.set("A", "evt.x", 1)
    rig.publish_all()
    rig.values["A", "evt.x"] = 2
    rig.clock.move(59)
    rig.reporter.tick()
    assert rig.publish_all() == []
    rig.clock.move(1)
    rig.reporter.tick()
    assert rig.publish_all() == [("A", "evt.x", 2)]


def test_the_goodbye_is_published_last_after_the_answers() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.x", 1)
    rig.answer("A", report("evt.y", 1, "A"), "c")
    rig.reporter.stop()
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.y", "evt.goodbye"]
    assert rig.reporter.is_settled
