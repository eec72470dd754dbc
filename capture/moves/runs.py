"""Runs: unbroken stretches of what is kept, and their counters.

Rules of this module: frame and sample numbers are the session's and never restart (CS-3).
"""

from __future__ import annotations

from capture.effects import BeginRun
from capture.events import RunEnded
from capture.turn import Turn


def begin_run(turn: Turn) -> None:
    """Keep what is held and what comes, as the session's next run.

    The run counts once it has footage (`count_run`): one that is cut off before its first frame never was.
    """
    session = turn.session
    turn.do(
        BeginRun(
            session_id=session.session_id,
            run=session.run + 1,
            session_zero_boottime_ns=session.zero_boottime_ns or 0,
            next_frame=session.next_frame,
            next_sample=session.next_sample,
            dropped_frames=session.dropped_frames,
            before_notice=turn.machine.rules.notice and not session.notice_done,
        )
    )


def count_run(turn: Turn, event: RunEnded) -> None:
    """Take over the counters of the run that ended; none of them ever goes back."""
    session = turn.session
    turn.note(
        run=max(session.run, event.run),
        next_frame=max(session.next_frame, event.next_frame),
        next_sample=max(session.next_sample, event.next_sample),
        media_time_ns=max(session.media_time_ns, event.media_time_ns),
        dropped_frames=max(session.dropped_frames, event.dropped_frames),
    )
