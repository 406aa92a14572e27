GREETINGS = "SELECT * FROM event_log WHERE event_type = 'GREETING'"


def test_an_event_is_stored(universe):
    universe.call("publish_event", "event-1", "GREETING", "me", '{"text":"hello"}')

    (event,) = universe.sql(GREETINGS)
    assert event["source"] == "me"
    assert event["data"] == '{"text":"hello"}'


def test_every_test_starts_clean(universe):
    assert universe.sql(GREETINGS) == []
