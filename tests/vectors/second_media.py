"""Numbers of frames and samples, runs, breaks: step 12 of FORMAT.md, section 8."""

from typing import Any


class Footage:
    """What the fragments of one chain have to follow on."""

    def __init__(self) -> None:
        self.next: tuple[int, int] | None = None
        self.session: bytes | None = None
        self.place: tuple[int, int] | None = None
        self.index, self.video_pts, self.audio_pts = 0, -1, -1
        self.broken = self.whole = False
        self.breaks: set[int] = set()
        self.frames = 0

    def lose(self) -> None:
        """Records are missing here: nothing is known about what they carried."""
        self.next, self.whole, self.broken, self.place, self.index = None, False, False, None, -1

    def found(self, kind: str, body: dict[str, Any], sequence: int) -> list[str]:
        """Codes of what is wrong with this record."""
        judge = getattr(self, f"on_{kind.lower()}", None)
        return [str(code) for code in judge(body, sequence)] if judge else []

    def on_session_start(self, body: dict[str, Any], sequence: int) -> list[str]:
        self.session, self.whole, self.frames, self.broken = body["session_id"], True, 0, False
        self.next, self.place = (0, 0), (0, -1)
        self.video_pts = self.audio_pts = -1
        return []

    def on_open(self, body: dict[str, Any], sequence: int) -> list[str]:
        run = body["run"]
        if (body["kind"] == "footage") != (run is not None):
            return ["MALFORMED"]
        if run is None:
            return []
        self.index = 0
        begin, place, wrong = (run["first_frame"], run["first_sample"]), (run["run"], run["run_file"]), False
        if self.session == run["session_id"] and self.next is not None and self.place is not None:
            follows = place == (self.place[0], self.place[1] + 1) or (place[0] > self.place[0] and place[1] == 0)
            wrong = begin != self.next or not follows or self.broken
        elif self.session != run["session_id"]:
            self.session, self.whole = run["session_id"], False
            self.video_pts = self.audio_pts = -1
        self.next, self.place = begin, place
        return ["CONTINUITY"] if wrong else []

    def on_fragment(self, body: dict[str, Any], sequence: int) -> list[str]:
        begin, wrong = (body["first_frame"], body["first_sample"]), self.broken
        if self.index >= 0:
            wrong |= body["index"] != self.index
        if self.next is not None:
            wrong |= begin != self.next
        if body["frame_count"]:
            wrong |= not self.video_pts < body["first_video_pts"] <= body["last_video_pts"]
            self.video_pts = body["last_video_pts"]
        if body["sample_count"]:
            wrong |= self.audio_pts >= body["first_audio_pts"]
            self.audio_pts = body["first_audio_pts"]
        wrong |= not body["frame_count"] and not body["sample_count"]
        self.index = body["index"] + 1
        self.next = (begin[0] + body["frame_count"], begin[1] + body["sample_count"])
        self.frames += body["frame_count"]
        return ["CONTINUITY"] if wrong else []

    def on_close(self, body: dict[str, Any], sequence: int) -> list[str]:
        if body["fragments"] == 0 or self.next is None or self.index < 0:
            return []
        agrees = (body["fragments"], body["next_frame"], body["next_sample"]) == (self.index, *self.next)
        return [] if agrees else ["CONTINUITY"]

    def on_break(self, body: dict[str, Any], sequence: int) -> list[str]:
        self.broken = True
        self.breaks.add(sequence)
        return []

    def on_resume(self, body: dict[str, Any], sequence: int) -> list[str]:
        self.broken = False
        return ["CONTINUITY"] if self.whole and body["break_sequence"] not in self.breaks else []

    def on_session_end(self, body: dict[str, Any], sequence: int) -> list[str]:
        self.broken = False
        return ["COUNTS_DIFFER"] if self.whole and body["frames"] != self.frames else []
