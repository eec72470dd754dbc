"""The bodies of every record in the chain.

Rules of this package: frozen dataclasses of plain values only (int, bool, bytes, str codes, tuples, nested bodies,
None); no I/O, no cryptography, no clock. Every field stands in the clear in a signed header: codes, ids, times and
counts only. Names, spoken words and free text belong into the encrypted payload of the record (`private`), never here.

Field numbers are the CBOR map keys of `FORMAT.md`; they are given by `numbered` and never reused. A field whose
value is None is left out of the map. `numbered` also gives the range of integers and the exact length of byte
strings; `codec` holds both when it writes and when it reads.
"""

from sealing.records.codes import (
    AnchorKind,
    BreakOrigin,
    CheckVerdict,
    CounterKind,
    FileKind,
    FileOrigin,
    PromptKind,
    RecordType,
    VoicePurpose,
)
from sealing.records.files import Close, Delete, Fragment, KeyWrap, Open, ReceiptSeal, RunFacts, StateSnapshot, Torn
from sealing.records.session import (
    Break,
    CheckResult,
    Mark,
    Preflight,
    Prompt,
    Resume,
    SessionEnd,
    SessionStart,
    VoiceWindow,
)
from sealing.records.unit import (
    Alive,
    Anchor,
    Boot,
    Checkin,
    Checkout,
    ClockStep,
    DockChange,
    Epoch,
    Event,
    Fault,
    Halt,
    Tick,
)

__all__ = [
    "Alive",
    "Anchor",
    "AnchorKind",
    "Body",
    "Boot",
    "Break",
    "BreakOrigin",
    "CheckResult",
    "CheckVerdict",
    "Checkin",
    "Checkout",
    "ClockStep",
    "Close",
    "CounterKind",
    "Delete",
    "DockChange",
    "Epoch",
    "Event",
    "Fault",
    "FileKind",
    "FileOrigin",
    "Fragment",
    "Halt",
    "KeyWrap",
    "Mark",
    "Open",
    "Preflight",
    "Prompt",
    "PromptKind",
    "ReceiptSeal",
    "RecordType",
    "Resume",
    "RunFacts",
    "SessionBody",
    "SessionEnd",
    "SessionStart",
    "StateSnapshot",
    "Tick",
    "Torn",
    "VoicePurpose",
    "VoiceWindow",
]

SessionBody = (
    Mark
    | Event
    | ClockStep
    | Alive
    | Checkout
    | Checkin
    | SessionStart
    | Preflight
    | Prompt
    | VoiceWindow
    | Break
    | Resume
    | SessionEnd
    | DockChange
    | Fault
)
"""What other rooms may ask the writer to seal; the rest is the writer's own."""

Body = SessionBody | Boot | Epoch | Open | Fragment | Close | Tick | Anchor | ReceiptSeal | Delete | Halt | Torn
"""Every body of format version 1."""
