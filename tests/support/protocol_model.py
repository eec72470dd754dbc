"""The protocol of `sync/PROTOCOL.md` as a finite machine, small enough to look at every one of its states.

One file of three pieces, one unit, one store. Every step of unit, store, line and fate is a transition; a kill may come
between any two. Content is a set of piece numbers, so that a piece lost, repeated or damaged can be told.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

PIECES = 3
"""Pieces of the file."""
FAULTS = 6
"""How often fate may strike: a kill of either side, a lost message, a damaged piece."""
FAILURES_MAX = 3
"""SY-14: the third failure parks."""


@dataclass(frozen=True)
class State:
    """Everything that decides what can happen next. What a kill wipes out stands under «memory»."""

    # The unit's disk
    on_disk: bool = True
    inbox: bool = False
    sealed: bool = False
    """The agent has checked the receipt against its disk and sealed it."""
    # The store's disk
    part: tuple[bool, ...] | None = None
    """Pieces that arrived, True where they are whole; None: no upload was created."""
    failures: int = 0
    object_: bool = False
    object_whole: bool = False
    row: bool = False
    rows_ever: int = 0
    parked: bool = False
    # Memory of the unit
    asks: str = ""
    """Request under way: head, create, patch, receipt."""
    offset: int = 0
    declare_again: bool = False
    # Memory of the store
    judged: bool = False
    """A judgement of the whole part was good, and the commit is under way."""
    # The line
    answer: str = ""
    # Fate
    faults_left: int = FAULTS

    @property
    def freed(self) -> bool:
        return not self.on_disk


Rule = Callable[[State], Iterator[State]]


def unit_asks(s: State) -> Iterator[State]:
    """The unit's next request; it remembers nothing but what the store told it (SY-20)."""
    if s.asks or s.answer or s.inbox or s.sealed or s.freed or s.parked:
        return
    yield replace(s, asks="create" if s.declare_again else "head")


def store_answers(s: State) -> Iterator[State]:
    """HEAD, POST, GET (SY-6, SY-8, SY-23)."""
    if s.answer:
        return
    if s.parked and s.asks in {"head", "create", "patch", "receipt"}:
        yield replace(s, answer="parked")
    elif s.asks == "head":
        if s.row:
            yield replace(s, answer="receipted")
        elif s.part is None:
            yield replace(s, answer="no-upload")
        else:
            yield replace(s, answer=f"offset-{len(s.part)}")
    elif s.asks == "create":
        yield replace(s, part=s.part if s.part is not None or s.row else (), answer="created")
    elif s.asks == "receipt":
        yield replace(s, answer="receipt" if s.row else "no-receipt")


def store_takes(s: State) -> Iterator[State]:
    """PATCH: pieces are kept as they come (SY-11); one may be damaged on the line."""
    if s.asks != "patch" or s.answer or s.judged or s.parked:
        return
    if s.row:
        yield replace(s, answer="receipted")
        return
    if s.part is None:
        yield replace(s, answer="no-upload")
        return
    if len(s.part) != s.offset:
        yield replace(s, answer="wrong-offset")
        return
    if s.offset < PIECES:
        yield replace(s, part=(*s.part, True), offset=s.offset + 1)
        if s.faults_left:
            yield replace(s, part=(*s.part, False), offset=s.offset + 1, faults_left=s.faults_left - 1)


def store_judges(s: State) -> Iterator[State]:
    """The last byte is here, or an empty PATCH asks to finish (SY-13, SY-14)."""
    if s.asks != "patch" or s.answer or s.judged or s.row or s.parked or s.part is None or len(s.part) != PIECES:
        return
    if s.offset != PIECES:
        return
    if all(s.part):
        yield replace(s, judged=True)
    elif s.failures + 1 >= FAILURES_MAX:
        yield replace(s, parked=True, part=None, answer="parked")
    else:
        yield replace(s, failures=s.failures + 1, part=(), answer="failed")


def store_moves(s: State) -> Iterator[State]:
    """SY-19: synced and renamed."""
    if s.judged and not s.object_ and s.part is not None:
        yield replace(s, object_=True, object_whole=all(s.part), part=None)


def store_promises(s: State) -> Iterator[State]:
    """SY-19: one durable row; only then an answer."""
    if s.judged and s.object_ and not s.row:
        yield replace(s, row=True, rows_ever=s.rows_ever + 1)
    elif s.judged and s.row and s.asks == "patch" and not s.answer:
        yield replace(s, judged=False, answer="finished")


def unit_hears(s: State) -> Iterator[State]:
    """What an answer means (section 6)."""
    done = replace(s, asks="", answer="")
    match s.answer:
        case "no-upload" | "failed":
            yield replace(done, asks="create")
        case "created":
            yield replace(done, asks="head", declare_again=False)
        case "receipted" | "finished":
            yield replace(done, asks="receipt")
        case "wrong-offset" | "no-receipt":
            yield done
        case "receipt":
            yield replace(done, inbox=True)
        case "parked":
            yield done
        case answer if answer.startswith("offset-"):
            yield replace(done, asks="patch", offset=int(answer.removeprefix("offset-")))


def agent_acts(s: State) -> Iterator[State]:
    """SY-24: check, seal, then free."""
    if s.inbox and not s.sealed:
        yield replace(s, sealed=True)
    elif s.inbox and s.sealed:
        yield replace(s, inbox=False)
    elif s.sealed and s.on_disk:
        yield replace(s, on_disk=False)


def line_breaks(s: State) -> Iterator[State]:
    """A request or its answer is lost; the store may have done its work or not, and the unit starts over."""
    if s.faults_left and (s.asks or s.answer):
        yield replace(s, asks="", answer="", judged=s.judged, faults_left=s.faults_left - 1)


def store_dies(s: State) -> Iterator[State]:
    """A kill: memory and line are gone. At the next start an object without a row is judged again (SY-19)."""
    if not s.faults_left:
        return
    fallen = replace(s, asks="", answer="", judged=False, faults_left=s.faults_left - 1)
    if fallen.object_ and not fallen.row:
        yield replace(fallen, row=fallen.object_whole, rows_ever=fallen.rows_ever + fallen.object_whole)
    else:
        yield fallen


def unit_dies(s: State) -> Iterator[State]:
    """A kill: the unit knows what lies on its disk, and asks again."""
    if s.faults_left:
        yield replace(s, asks="", answer="", declare_again=False, faults_left=s.faults_left - 1)


def store_finishes_unheard(s: State) -> Iterator[State]:
    """The commit of a request whose line broke goes on to its end."""
    if s.judged and s.row and not s.asks:
        yield replace(s, judged=False)


RULES: tuple[Rule, ...] = (
    unit_asks,
    store_answers,
    store_takes,
    store_judges,
    store_moves,
    store_promises,
    unit_hears,
    agent_acts,
    line_breaks,
    store_dies,
    unit_dies,
    store_finishes_unheard,
)


def successors(s: State, rules: tuple[Rule, ...] = RULES) -> Iterator[State]:
    """Everything that can happen next."""
    for rule in rules:
        yield from rule(s)


def explore(rules: tuple[Rule, ...] = RULES, start: State | None = None) -> dict[State, tuple[State, ...]]:
    """Every state that can be reached, with what can follow."""
    first = start or State()
    graph: dict[State, tuple[State, ...]] = {}
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        if state in graph:
            continue
        graph[state] = tuple(dict.fromkeys(successors(state, rules)))
        waiting.extend(graph[state])
    return graph


def reaching(graph: dict[State, tuple[State, ...]], good: Callable[[State], bool]) -> set[State]:
    """The states from which some way leads to a good one."""
    before: dict[State, list[State]] = {}
    for state, following in graph.items():
        for one in following:
            before.setdefault(one, []).append(state)
    found = {state for state in graph if good(state)}
    waiting = deque(found)
    while waiting:
        for state in before.get(waiting.popleft(), ()):
            if state not in found:
                found.add(state)
                waiting.append(state)
    return found
