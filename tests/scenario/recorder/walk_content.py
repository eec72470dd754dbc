"""What a walk's films hold, held against what camera and microphone really gave: every picture and sample once (R6).

Nothing here asks the recorder. Pictures are told by the number that is drawn into them and by the time that stands in
their bytes, samples by the numbers of the sound card. What is missing has to stand in a record that names it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.bitstream import BitStreamFilterContext

from capture.media.frame_stamp import FrameStamp, stamps
from hw_sim.files import read_lines
from hw_sim.media import frame_code
from hw_sim.media.pictures import plane
from sealing.framing import RecordHeader
from sealing.opener import OpenedRun, OpenedSession
from sealing.records import Close, Fragment, Open, RunFacts
from tests.scenario.recorder.long_day import BLOCK_SAMPLES, FRAME_SAMPLES, Run, opened_counts, runs_of

SECOND_NS = 1_000_000_000
RATE_HZ = 48_000
PTS_PER_SECOND = 90_000
EXACT_SAMPLES = 2
"""The first sample is found from a time in whole ticks of 48 kHz."""
PRIMING_SAMPLES = FRAME_SAMPLES
UNREADABLE_LUMA = 60
"""Brightest mean of a picture without a readable number: what a covered lens shows."""
LAGS, LEAST_BLOCKS = 5, 100
LEAST_CHANGE_DB = 6.0
"""Sound that changes less than this tells no block from its neighbour."""
LEAST_LIKENESS = 0.98
"""0.999 and more is usual: the coder changes little of a block's power."""
QUIET_POWER = 100.0
"""Below it the coder leaves out what nobody hears."""
Levels = npt.NDArray[np.float32]
CUT_SHORT = frozenset({"crash", "power-loss", "storage-fault", "storage-full", "watchdog"})
"""What may take away what was captured last; the break behind it says from which frame on."""


@dataclass(frozen=True)
class Shots:
    """Pictures of one start of the camera, as they were handed over."""

    boot: str
    times_ns: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Heard:
    """Samples of one start of the sound card, as they were handed over: unbroken stretches of numbers, with times."""

    boot: str
    firsts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """Number of the first sample and power of each block."""

    def take(self, first: int, count: int, captured_ns: int, mean_square: int) -> None:
        """Add a block."""
        self.blocks.append((first, mean_square))
        if self.ends and first == self.ends[-1]:
            self.ends[-1] += count
            return
        self.firsts.append(first)
        self.ends.append(first + count)
        self.times_ns.append(captured_ns)

    def at(self, boottime_ns: int) -> int:
        """Number of the first sample that was given and captured at or after a moment, to a sample or two."""
        for first, end, begun_ns in zip(self.firsts, self.ends, self.times_ns, strict=True):
            number = max(first, first + -(-(boottime_ns - begun_ns) * RATE_HZ // SECOND_NS))
            if number < end:
                return number
        return self.ends[-1] if self.ends else 0

    def given(self, first: int, end: int) -> int:
        """How many of the samples from one number up to another were handed over."""
        both = zip(self.firsts, self.ends, strict=True)
        return sum(max(0, min(end, last) - max(first, begin)) for begin, last in both)


@dataclass(frozen=True)
class Given:
    """Everything that was handed over in a world."""

    shots: Sequence[Shots]
    heard: Sequence[Heard]

    @classmethod
    def of(cls, world: Path) -> Given:
        """Read it from the world's log, line by line."""
        shots, heard, boot = list[Shots](), list[Heard](), ""
        for entry in read_lines(world / "truth.jsonl"):
            match entry["kind"]:
                case "camera_started":
                    shots.append(Shots(str(entry["boot_id"])))
                case "camera_frame":
                    shots[-1].times_ns.append(int(entry["captured_boottime_ns"] or 0))
                    shots[-1].numbers.append(int(entry["picture_number"] or 0))
                case "microphone_started":
                    boot = str(entry["boot_id"])
                    heard.append(Heard(boot))
                case "microphone_samples":
                    numbers = (entry[name] for name in ("first_sample", "count", "captured_boottime_ns", "mean_square"))
                    heard[-1].take(*(int(number or 0) for number in numbers))
                case _:
                    pass
        return cls(shots, heard)


@dataclass(frozen=True)
class Track:
    """The sound of one sealed run: numbers and places of its samples, as the records have them."""

    run: Run
    facts: RunFacts
    fragments: tuple[Fragment, ...]
    padding_samples: int | None
    """None where a file ended without its CLOSE, and something was lost in it."""

    @property
    def begun_ns(self) -> int:
        """When its first sample was captured."""
        first = next(fragment for fragment in self.fragments if fragment.sample_count)
        return _zero_ns(self.run) + (first.first_audio_pts + PRIMING_SAMPLES) * SECOND_NS // RATE_HZ

    @property
    def lost_samples(self) -> int:
        """What its records say that was lost."""
        return sum(fragment.lost_samples for fragment in self.fragments)

    @property
    def whole_samples(self) -> int:
        """Samples from its first one on among which nothing is lost."""
        until_loss = takewhile(lambda fragment: fragment.lost_samples == 0, self.fragments)
        return max(0, sum(fragment.sample_count for fragment in until_loss) - PRIMING_SAMPLES)

    @property
    def reach_samples(self) -> int:
        """Numbers of the card that it passes over, the lost ones among them."""
        kept = sum(fragment.sample_count for fragment in self.fragments)
        return kept - PRIMING_SAMPLES - (self.padding_samples or 0) + self.lost_samples


@dataclass(frozen=True)
class _File:
    facts: RunFacts
    fragments: tuple[Fragment, ...]
    close: Close | None

    @property
    def padding_samples(self) -> int | None:
        if self.close is not None:
            return self.close.audio_padding_samples
        return None if any(fragment.lost_samples for fragment in self.fragments) else 0


def judge_content(records: Sequence[RecordHeader], sessions: Sequence[OpenedSession], world: Path) -> None:
    """Raise AssertionError where a film holds other pictures or samples than were captured and are accounted for."""
    given, runs = Given.of(world), runs_of(records)
    films = {(session.session_id, run.number): run.path for session in sessions for run in session.runs}
    for run in runs:
        for track, card, number in judge_sound(run, tracks_of(run, records), given):
            judge_waves(track, card, number, films[track.facts.session_id.hex(), track.facts.run])
    kept = iter(runs)
    for session in sessions:
        judge_session(session, kept, given)
    assert next(kept, None) is None, "a run was sealed and not opened"


# -- pictures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """One picture of an opened film."""

    stamp: FrameStamp
    number: int | None
    """What is drawn into it, None where nothing can be read."""
    mean_luma: float


def pictures_of(run: OpenedRun) -> Iterator[Picture]:
    """Every picture of a film in its order, with what its bytes and its image say."""
    with av.open(str(run.path)) as film:
        stream = film.streams.video[0]
        turned = BitStreamFilterContext("h264_mp4toannexb", stream)
        waiting: list[FrameStamp] = []
        for packet in film.demux(stream):
            frames = packet.decode()  # The filter below takes the packet's bytes away.
            waiting += [stamp for out in turned.filter(packet) if out.size for stamp in stamps(bytes(out))]
            for frame in frames:
                luma = plane(frame.reformat(format="yuv420p"), 0)
                yield Picture(waiting.pop(0), frame_code.read(luma), float(np.mean(luma)))
    assert not waiting, f"{len(waiting)} pictures of {run.path.name} do not decode"


def judge_session(session: OpenedSession, runs: Iterator[Run], given: Given) -> None:
    """The films hold each picture that was captured while they were taken, in its order, and nothing else."""
    counts = list(opened_counts(session))
    pictures = (picture for run in session.runs for picture in pictures_of(run))
    opened, sealed, samples, next_number = sum(frames for frames, _ in counts), 0, 0, 0
    while sealed < opened:
        run = next(runs)
        sealed, samples = sealed + run.frames, samples + run.samples
        judge_pictures(run, [next(pictures) for _ in range(run.frames)], next_number, given)
        next_number += run.frames
    assert (sealed, samples) == (opened, sum(samples for _, samples in counts))
    assert next(pictures, None) is None


def judge_pictures(run: Run, pictures: Sequence[Picture], next_number: int, given: Given) -> None:
    """Of a stretch between two breaks."""
    assert [picture.stamp.number for picture in pictures] == list(range(next_number, next_number + len(pictures)))
    times = [picture.stamp.boottime_ns for picture in pictures]
    shots = next(each for each in given.shots if each.boot == run.boot and times[0] in each.times_ns)
    begin, end = shots.times_ns.index(times[0]), bisect_right(shots.times_ns, times[-1])
    assert begin == 0, f"{begin} pictures were captured before the first that was kept"
    assert times == shots.times_ns[begin:end], f"run of {run.boot} ended by {run.ended_by}: not what was captured"
    for picture, number in zip(pictures, shots.numbers, strict=False):
        unseen = picture.number is None and picture.mean_luma < UNREADABLE_LUMA
        assert unseen or picture.number == number, f"frame {picture.stamp.number} shows {picture.number}, not {number}"
    if run.ended_by not in CUT_SHORT:
        # One may be handed over at the very moment at which the camera is told to stop.
        behind = len(shots.times_ns) - end
        assert behind <= 1, f"{behind} pictures were captured behind the last that was kept, ended by {run.ended_by}"


# -- sound ------------------------------------------------------------------------------------------------------------


def tracks_of(run: Run, records: Sequence[RecordHeader]) -> list[Track]:
    """The tracks of sound of a stretch between two breaks."""
    mine = {id(fragment) for fragment in run.fragments}
    files = [each for each in _files(records) if each.fragments and id(each.fragments[0]) in mine]
    tracks = []
    for _, group in groupby(files, key=lambda each: each.facts.run):
        held = list(group)
        paddings = [each.padding_samples for each in held]
        padding = None if None in paddings else sum(each or 0 for each in paddings)
        fragments = tuple(fragment for each in held for fragment in each.fragments)
        if held[0].facts.has_audio:
            tracks.append(Track(run, held[0].facts, fragments, padding))
    return tracks


def _files(records: Sequence[RecordHeader]) -> Iterator[_File]:
    held: _File | None = None
    for record in records:
        match record.body:
            case Open(run=facts):
                if held is not None:
                    yield held
                held = None if facts is None else _File(facts, (), None)
            case Fragment() as body if held is not None:
                held = replace(held, fragments=(*held.fragments, body))
            case Close() as body if held is not None:
                held = replace(held, close=body)
            case _:
                pass
    if held is not None:
        yield held


def judge_sound(run: Run, tracks: Sequence[Track], given: Given) -> list[tuple[Track, Heard, int]]:
    """Every sample that was captured between two breaks is in a track, or counted there as lost.

    Returns:
        Each track with its card and the number of its first sample.
    """
    placed: list[tuple[Track, Heard, int]] = []
    cards = [each for each in given.heard if each.boot == run.boot]
    place, number = 0, None
    told = f"run of {run.boot} from {run.first_frame_ns} ended by {run.ended_by}"
    for track in tracks:
        place, number = _begin(track, cards, place, number)
        end = number + track.reach_samples
        card = cards[place]
        placed.append((track, card, number))
        if track.padding_samples is None:
            return placed
        missing = track.reach_samples - card.given(number, end)
        assert abs(missing - track.lost_samples) <= EXACT_SAMPLES, (
            f"{told}: {missing} samples missing in a track that says {track.lost_samples}"
        )
        number = end
    if run.ended_by not in CUT_SHORT:
        _nothing_behind(run, cards, place, number, told)
    return placed


def _zero_ns(run: Run) -> int:
    """Session time 0 in the run's own boot: a start that lost its power before the checks goes on without a RESUME."""
    first = run.fragments[0]
    return first.captured_boottime_ns - first.first_video_pts * SECOND_NS // PTS_PER_SECOND


def _begin(track: Track, cards: Sequence[Heard], place: int, number: int | None) -> tuple[int, int]:
    """Card and number of a track's first sample: right behind the track before, or where the picture begins."""
    if number is None:
        place = max(
            index for index, card in enumerate(cards) if card.firsts and card.times_ns[0] <= track.begun_ns + 10**7
        )
        number = cards[place].at(track.run.first_frame_ns)
    elif cards[place].given(number, 10**12) == 0:
        place += 1
        number = 0
    else:
        first = bisect_left(cards[place].ends, number + 1)
        number = max(number, cards[place].firsts[first])
    return place, number


def _nothing_behind(run: Run, cards: Sequence[Heard], place: int, number: int | None, told: str) -> None:
    """What was captured until the last picture, less the block that was still being filled, is in a track."""
    last_ns = _zero_ns(run) + run.fragments[-1].last_video_pts * SECOND_NS // PTS_PER_SECOND
    until_ns = last_ns - BLOCK_SAMPLES * SECOND_NS // RATE_HZ
    for index, card in enumerate(cards):
        if index < place or not card.firsts:
            continue
        begin = card.at(run.first_frame_ns) if number is None or index > place else number
        left = card.given(begin, card.at(until_ns))
        assert left <= EXACT_SAMPLES, f"{told}: {left} samples were captured and are in no track"


def judge_waves(track: Track, card: Heard, number: int, film: Path) -> None:
    """The decoded sound is as loud as what the card gave, block by block: nothing is doubled or out of turn."""
    wave = _decoded(film)[PRIMING_SAMPLES:]
    end = number + min(track.whole_samples, len(wave))
    inside = [(first, power) for first, power in card.blocks if number <= first and first + BLOCK_SAMPLES <= end]
    if len(inside) < LEAST_BLOCKS:
        return
    given = _level([power for _, power in inside])
    heard = _level([float(np.mean(wave[first - number : first - number + BLOCK_SAMPLES] ** 2)) for first, _ in inside])
    if float(np.std(given)) < LEAST_CHANGE_DB:
        return
    inner = given[LAGS:-LAGS]
    likeness = [
        float(np.corrcoef(inner, heard[LAGS + lag : len(heard) - LAGS + lag])[0, 1]) for lag in range(-LAGS, LAGS + 1)
    ]
    best = int(np.argmax(likeness)) - LAGS
    assert best == 0, f"the sound of {film.name} is {best} blocks from its place"
    assert likeness[LAGS] > LEAST_LIKENESS, f"the sound of {film.name} is another: likeness {likeness[LAGS]:.3f}"


def _level(powers: Sequence[float]) -> Levels:
    return 10 * np.log10(np.array(powers) + QUIET_POWER)


def _decoded(film: Path) -> Levels:
    """Every packet's samples as s16le has them, the priming too, which players pass over."""
    with av.open(str(film)) as opened:
        stream = opened.streams.audio[0]
        decoder = AudioCodecContext.create("aac", "r")
        decoder.extradata = stream.codec_context.extradata
        frames = [frame for packet in opened.demux(stream) if packet.size for frame in decoder.decode(packet)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32) * 32_768


def merged(folders: Sequence[Path], into: Path) -> Path:
    """All files of a chain in one folder: those on the unit, and those that somebody else keeps."""
    into.mkdir()
    files: Mapping[str, Path] = {path.name: path for folder in folders for path in sorted(folder.glob("*.evs"))}
    for name, path in files.items():
        (into / name).hardlink_to(path)
    return into
