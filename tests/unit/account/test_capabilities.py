"""What only the cloud's behaviour can tell."""

from bridge.account.capabilities import Fact


def test_a_fact_is_told_when_it_changes_and_not_otherwise() -> None:
    told: list[bool] = []
    fact = Fact(known=False, on_change=told.append)
    fact.forget()
    fact.learn()
    fact.learn()
    assert (fact.known, told) == (True, [True])
    fact.forget()
    assert (fact.known, told) == (False, [True, False])
