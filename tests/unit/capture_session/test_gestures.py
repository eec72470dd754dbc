"""What presses mean, told by their times alone (CS-7)."""

import pytest

from capture.gestures import Gesture, GestureReader, Meaning, Mode
from hal.values import ButtonEdge, ButtonName

MS = 1_000_000
HOLD, PAUSE = 2_000 * MS, 400 * MS


def reader(*, mark: bool = True) -> GestureReader:
    buttons = {ButtonName.RECORD, ButtonName.MARK} if mark else {ButtonName.RECORD}
    return GestureReader(frozenset(buttons), HOLD, PAUSE)


def play(read: GestureReader, mode: Mode, *edges: tuple[ButtonName, bool, int], until: int) -> list[Gesture]:
    """Edges as (button, pressed, milliseconds); time goes on to `until` milliseconds, settling when due."""
    found: list[Gesture] = []
    for button, pressed, at_ms in edges:
        found += run_to(read, at_ms * MS)
        found += read.edge(ButtonEdge(button, pressed, at_ms * MS), mode)
    return found + run_to(read, until * MS)


def run_to(read: GestureReader, now_ns: int) -> list[Gesture]:
    found: list[Gesture] = []
    while (due := read.next_deadline_ns()) is not None and due <= now_ns:
        found += read.settle(due)
    return found


R, M = ButtonName.RECORD, ButtonName.MARK


def test_start_is_answered_at_the_edge_and_its_hold_means_nothing_more() -> None:
    found = play(reader(), Mode.IDLE, (R, True, 1000), (R, False, 9000), until=12_000)
    assert found == [Gesture(Meaning.START, 1000 * MS)]


@pytest.mark.parametrize(
    ("mode", "button", "held_ms", "meaning"),
    [
        (Mode.CAPTURING, M, 120, Meaning.MARK),
        (Mode.CAPTURING, M, 2500, Meaning.BREAK),
        (Mode.CAPTURING, R, 120, Meaning.NOTICE),
        (Mode.CAPTURING, R, 2500, Meaning.FINISH),
        (Mode.ANNOUNCING, M, 120, Meaning.STEP),
        (Mode.ANNOUNCING, M, 2500, Meaning.BREAK),
        (Mode.ANNOUNCING, R, 120, Meaning.CONFIRM),
        (Mode.ANNOUNCING, R, 2500, Meaning.FINISH),
        (Mode.INTERRUPTED, R, 120, Meaning.RESUME),
        (Mode.INTERRUPTED, R, 2500, Meaning.FINISH),
    ],
)
def test_two_buttons_cs_7(mode: Mode, button: ButtonName, held_ms: int, meaning: Meaning) -> None:
    found = play(reader(), mode, (button, True, 500), (button, False, 500 + held_ms), until=9_000)
    assert found == [Gesture(meaning, 500 * MS)]


@pytest.mark.parametrize(
    ("mode", "button", "held_ms"),
    [
        (Mode.IDLE, M, 120),
        (Mode.IDLE, M, 2500),
        (Mode.BUSY, R, 120),
        (Mode.INTERRUPTED, M, 9),
    ],
)
def test_other_presses_mean_nothing(mode: Mode, button: ButtonName, held_ms: int) -> None:
    assert play(reader(), mode, (button, True, 500), (button, False, 500 + held_ms), until=9_000) == []


def test_a_hold_is_known_while_the_finger_is_still_there() -> None:
    read = reader()
    read.edge(ButtonEdge(M, True, 0), Mode.CAPTURING)
    assert read.next_deadline_ns() == HOLD
    assert read.settle(HOLD - 1) == ()
    assert read.settle(HOLD) == (Gesture(Meaning.BREAK, 0),)
    assert read.next_deadline_ns() is None
    assert read.edge(ButtonEdge(M, False, 3_000 * MS), Mode.ANNOUNCING) == ()


@pytest.mark.parametrize(
    ("mode", "meaning"),
    [(Mode.CAPTURING, Meaning.MARK), (Mode.ANNOUNCING, Meaning.STEP)],
)
def test_one_button_press_waits_for_the_pause_and_carries_its_first_edge_cs_7(mode: Mode, meaning: Meaning) -> None:
    read = reader(mark=False)
    assert play(read, mode, (R, True, 500), (R, False, 600), until=999) == []
    assert run_to(read, 1_100 * MS) == [Gesture(meaning, 500 * MS)]


@pytest.mark.parametrize(("mode", "meaning"), [(Mode.CAPTURING, Meaning.FINISH), (Mode.ANNOUNCING, Meaning.CONFIRM)])
def test_one_button_hold(mode: Mode, meaning: Meaning) -> None:
    found = play(reader(mark=False), mode, (R, True, 500), (R, False, 3000), until=9_000)
    assert found == [Gesture(meaning, 500 * MS)]


def test_one_button_press_press_hold_wants_the_menu_at_its_first_edge_cs_35() -> None:
    edges = ((R, True, 500), (R, False, 600), (R, True, 800), (R, False, 3500))
    found = play(reader(mark=False), Mode.CAPTURING, *edges, until=9_000)
    assert found == [Gesture(Meaning.MENU, 500 * MS)]


def test_one_button_press_press_hold_puts_a_menu_away() -> None:
    edges = ((R, True, 500), (R, False, 600), (R, True, 800), (R, False, 3500))
    found = play(reader(mark=False), Mode.ANNOUNCING, *edges, until=9_000)
    assert found == [Gesture(Meaning.BREAK, 500 * MS)]


def test_one_button_two_presses_are_two_marks() -> None:
    edges = ((R, True, 500), (R, False, 600), (R, True, 800), (R, False, 900))
    found = play(reader(mark=False), Mode.CAPTURING, *edges, until=9_000)
    assert found == [Gesture(Meaning.MARK, 500 * MS), Gesture(Meaning.MARK, 800 * MS)]


def test_one_button_presses_far_apart_are_two_marks() -> None:
    edges = ((R, True, 500), (R, False, 600), (R, True, 1500), (R, False, 1600))
    found = play(reader(mark=False), Mode.CAPTURING, *edges, until=9_000)
    assert [gesture.at_boottime_ns for gesture in found] == [500 * MS, 1500 * MS]


def test_one_button_resume_does_not_wait() -> None:
    found = play(reader(mark=False), Mode.INTERRUPTED, (R, True, 500), (R, False, 600), until=600)
    assert found == [Gesture(Meaning.RESUME, 500 * MS)]


def test_the_mode_at_the_first_edge_decides_cs_7() -> None:
    read = reader()
    read.edge(ButtonEdge(M, True, 0), Mode.CAPTURING)
    assert read.edge(ButtonEdge(M, False, 100 * MS), Mode.INTERRUPTED) == (Gesture(Meaning.MARK, 0),)


def test_a_release_without_press_and_an_unfitted_button_mean_nothing() -> None:
    assert reader().edge(ButtonEdge(M, False, 100), Mode.CAPTURING) == ()
    assert reader(mark=False).edge(ButtonEdge(M, True, 100), Mode.CAPTURING) == ()


def test_buttons_do_not_disturb_each_other() -> None:
    edges = ((R, True, 100), (M, True, 200), (M, False, 300), (R, False, 2500))
    found = play(reader(), Mode.CAPTURING, *edges, until=9_000)
    assert found == [Gesture(Meaning.MARK, 200 * MS), Gesture(Meaning.FINISH, 100 * MS)]


def test_a_mark_is_answered_at_its_release_and_the_second_press_held_gives_it_a_category_cs_7() -> None:
    """CS-7, CS-16: a mark never waits for what may follow."""
    read = reader()
    assert read.edge(ButtonEdge(M, pressed=True, at_boottime_ns=500 * MS), Mode.CAPTURING) == ()
    at_release = read.edge(ButtonEdge(M, pressed=False, at_boottime_ns=600 * MS), Mode.CAPTURING)
    assert at_release == (Gesture(Meaning.MARK, 500 * MS),)
    assert read.edge(ButtonEdge(M, pressed=True, at_boottime_ns=800 * MS), Mode.CAPTURING) == ()
    assert run_to(read, 4_000 * MS) == [Gesture(Meaning.CATEGORY, 500 * MS)]


def test_marks_that_follow_each_other_quickly_are_all_marks_cs_7() -> None:
    edges = [(M, down, at) for start in (500, 700, 900) for down, at in ((True, start), (False, start + 100))]
    found = play(reader(), Mode.CAPTURING, *edges, until=9_000)
    assert found == [Gesture(Meaning.MARK, at * MS) for at in (500, 700, 900)]


def test_press_and_hold_of_record_asks_for_the_ground_of_an_exemption_cs_7() -> None:
    found = play(reader(), Mode.CAPTURING, (R, True, 500), (R, False, 600), (R, True, 800), until=9_000)
    assert found == [Gesture(Meaning.GROUND, 500 * MS)]
