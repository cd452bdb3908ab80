from growbase.domains.identity.limits import SlidingWindow


def test_a_window_lets_a_key_through_again_when_its_oldest_try_is_old() -> None:
    now = [0.0]
    window = SlidingWindow(2, 60, clock=lambda: now[0])
    assert (window.hit("a"), window.hit("a")) == (0, 0)
    now[0] = 20
    assert window.hit("a") == 40
    assert window.hit("b") == 0
    now[0] = 60
    assert window.hit("a") == 0


def test_a_window_remembers_only_so_many_keys() -> None:
    window = SlidingWindow(1, 60, keys=2, clock=lambda: 0.0)
    for key in ("a", "b", "c"):
        window.hit(key)
    assert window.hit("c") == 60
    assert window.hit("a") == 0
