"""From the camera's frames and the microphone's blocks to fragments ready to be sealed.

Rules of this module: a shell without a thread; it carries packets between the parts and decides nothing itself. One
thread drives it; nothing in it waits. An error of the output or the muxer passes through: the run cannot go on then,
and `abandon` gives everything back.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from capture.errors import MediaError, MuxError
from capture.media.fragment_ledger import FragmentLedger
from capture.media.fragment_muxer import FragmentMuxer
from capture.media.frame_intake import FrameIntake, Refusal, Taken
from capture.media.frame_stamp import FrameStamp, stamped
from capture.media.limits import (
    AAC_FRAME_SAMPLES,
    AUDIO_TICKS_PER_SECOND,
    SESSION_START_NS,
    VIDEO_TICKS_PER_SECOND,
    FileLimits,
)
from capture.media.output import MediaOutput
from capture.media.segmenter import CloseFile, MuxAudio, MuxVideo, OpenFile, Order, Segmenter
from capture.media.sound_path import SoundPath
from capture.media.template import VideoTemplate
from capture.media.values import (
    AudioPacket,
    CivilMoment,
    CloseFacts,
    FrameMoment,
    MediaSettings,
    MediaStatistics,
    MuxedFragment,
    Numbering,
    Tracks,
    VideoPacket,
)
from hal.values import AudioBlock, EncodedFrame
from sealing.records import RunFacts

log = logging.getLogger(__name__)


class MediaPipeline:
    """Makes runs of fragments; the recorder says when a run begins and ends.

    A change of the track set and a restart of the camera's encoder begin a new run by themselves.

    Args:
        output: Where fragments go.
        limits: When a file is full.
        numbering: Where the session's numbers stand.
        session_zero_ns: CLOCK_BOOTTIME at session time 0; None lets the first key frame stand at 1 s.
        settings: The session and its streams.
        hash_header: Hash of the suite in force, for the init hash.
        civil_time: Civil time of a moment of CLOCK_BOOTTIME, and whether it can be trusted: stands in every picture.
            None: pictures stay as the camera gave them.
    """

    def __init__(
        self,
        output: MediaOutput,
        limits: FileLimits,
        numbering: Numbering,
        session_zero_ns: int | None,
        settings: MediaSettings,
        hash_header: Callable[[bytes], bytes] = lambda header: hashlib.sha256(header).digest(),
        civil_time: Callable[[int], CivilMoment] | None = None,
    ) -> None:
        self._output = output
        self._civil_time = civil_time
        self._settings = settings
        self._hash_header = hash_header
        self._zero_ns = session_zero_ns
        self._notice_end_ns: int | None = None if settings.notice_expected else 0
        self._ledger = FragmentLedger(numbering)
        self._intake = FrameIntake(numbering.next_frame)
        self._segmenter = Segmenter(limits)
        self._sound = SoundPath(settings.audio_bitrate_bps)
        self._sound_from_ns = 0
        self._statistics = MediaStatistics()
        self._last_refusal: Refusal | None = None
        self._recording = False
        self._run = numbering.run
        self._run_file = 0
        self._tracks = Tracks(audio=False)
        self._template: VideoTemplate | None = None
        self._muxer: FragmentMuxer | None = None
        self._announced = False
        """The output knows of the open file: its first fragment has come out."""
        self._last_close: CloseFacts | None = None

    @property
    def recording(self) -> bool:
        """Whether a run is open."""
        return self._recording

    @property
    def numbering(self) -> Numbering:
        """Where the numbers stand in what came out; what is still inside the pipeline is not counted."""
        return Numbering(self._ledger.next_frame, self._ledger.next_sample, self._run)

    @property
    def session_zero_ns(self) -> int | None:
        """CLOCK_BOOTTIME at session time 0, None before the first key frame when it was not given."""
        return self._zero_ns

    @property
    def last_frame(self) -> FrameMoment | None:
        """The newest frame that was taken, None before the first."""
        return self._intake.last

    @property
    def statistics(self) -> MediaStatistics:
        """What was taken and refused."""
        without_picture = self._segmenter.refused_audio_packets * AAC_FRAME_SAMPLES
        return replace(
            self._statistics,
            captured_samples=self._sound.captured_samples,
            lost_samples=self._sound.lost_samples,
            early_samples=self._sound.early_samples,
            refused_samples=self._sound.refused_samples + without_picture,
        )

    def frame_at(self, boottime_ns: int) -> FrameMoment | None:
        """The frame that was being taken at a moment, of the newest 1200; None when none was by then. Any thread."""
        return self._intake.at(boottime_ns)

    def media_time_ns(self, boottime_ns: int) -> int | None:
        """Session time of a moment, None before the session has a zero."""
        return None if self._zero_ns is None else boottime_ns - self._zero_ns

    def notice_over(self, boottime_ns: int) -> None:
        """Learn when the notice was over: fragments captured from then on do not count as before it (R4)."""
        self._notice_end_ns = boottime_ns

    def begin_run(self) -> None:
        """Begin a run at the next key frame. A run that is open already goes on."""
        if not self._recording:
            self._recording = True
            self._last_close = None
            self._intake.begin_run()

    def video(self, frame: EncodedFrame) -> None:
        """Take a frame from the camera.

        Raises:
            MediaError: The stream cannot be recorded; `abandon` the run.
        """
        if not self._recording:
            self._count(idle_frames=1)
            return
        if self._zero_ns is None and frame.keyframe:
            self._zero_ns = frame.captured_boottime_ns - SESSION_START_NS
        taken = Refusal.UNDECODABLE if self._zero_ns is None else self._intake.take(frame, self._zero_ns)
        if isinstance(taken, Refusal):
            self._refuse(frame, taken)
        else:
            self._record(self._stamped(taken))

    def _stamped(self, taken: Taken) -> Taken:
        """CS-33: the picture's own time goes into it before anything is sealed."""
        if self._civil_time is None:
            return taken
        packet, moment = taken.packet, self._civil_time(taken.packet.captured_boottime_ns)
        stamp = FrameStamp(packet.number, moment.utc_ns, packet.captured_boottime_ns, moment.trusted)
        return replace(taken, packet=replace(packet, data=stamped(packet.data, stamp)))

    def audio(self, block: AudioBlock) -> None:
        """Take a block from the microphone.

        Raises:
            MediaError: The sound cannot be recorded; `abandon` the run.
        """
        if not self._recording:
            self._sound.ignore(block)
        elif self._template is None:
            self._sound.keep(block)
        else:
            self._segment_audio(self._sound.add(block))

    def tick(self, now_ns: int) -> None:
        """Let time pass; called a few times a second.

        Args:
            now_ns: CLOCK_BOOTTIME.

        Raises:
            MediaError: As `video`.
        """
        if self._recording:
            self._carry_out(self._segmenter.tick(now_ns))

    def end_run(self, reason: str) -> CloseFacts | None:
        """Let everything out and close the file.

        Args:
            reason: Code as in CLOSE.

        Returns:
            Facts of the run's last file; None when the run never had a key frame.

        Raises:
            MediaError: What was left could not be muxed; `abandon` the run.
        """
        if self._recording:
            self._finish(reason)
            self._recording = False
            self._sound.drop_waiting()
        return self._last_close

    def abandon(self, reason: str) -> CloseFacts | None:
        """Give everything back after an error; what had not come out as a fragment is lost and its numbers are free.

        Returns:
            Facts of the file that was open, as far as it came out; None when none was.
        """
        self._recording = False
        self._sound.drop_waiting()
        numbering = self.numbering
        self._segmenter.finish(reason)
        if self._announced:
            self._close_output(self._ledger.close_facts(reason))
        self._release_stream()
        self._muxer = None
        self._ledger = FragmentLedger(numbering)
        self._intake.rewind(numbering.next_frame)
        return self._last_close

    def _record(self, taken: Taken) -> None:
        """Carry a frame on, into a new run where its stream is new."""
        packet, self._last_refusal = taken.packet, None
        self._count(frames=1, dropped_frames=packet.dropped_before)
        if taken.restarted:
            self._count(encoder_restarts=1)
            log.warning("the camera's encoder began anew at frame %d: a new run begins", packet.number)
            self._finish("tracks")
        if self._template is None:
            self._begin_stream(packet, sound_from_start=not taken.restarted)
        if self._segmenter.audio_has_died:
            log.warning("sound is missing, or later than a file can wait for: its track ends")
            self._end_audio()
        self._carry_out(self._segmenter.video(packet))

    def _refuse(self, frame: EncodedFrame, why: Refusal) -> None:
        if why is not self._last_refusal:
            log.warning("frame %d of the sensor was refused: %s", frame.sensor_sequence, why.value)
        self._last_refusal = why
        match why:
            case Refusal.BACKWARD:
                self._count(refused_backward_frames=1)
            case Refusal.UNDECODABLE:
                self._count(refused_undecodable_frames=1)
            case Refusal.OVERSIZED:
                self._count(refused_oversized_frames=1)

    def _begin_stream(self, packet: VideoPacket, *, sound_from_start: bool) -> None:
        """Learn the stream from its first key frame, and take the sound that waited for it."""
        if packet.captured_boottime_ns - (self._zero_ns or 0) < SESSION_START_NS:
            raise MediaError(
                f"a run begins at {packet.captured_boottime_ns} ns, before the session's first second is over "
                f"(zero {self._zero_ns} ns); give the zero of this boot",
            )
        self._template = VideoTemplate(packet.data)
        if sound_from_start:
            self._sound_from_ns = packet.captured_boottime_ns
        self._segment_audio(self._sound.begin(self._zero_ns or 0, self._sound_from_ns))

    def _segment_audio(self, packets: Sequence[AudioPacket]) -> None:
        for packet in packets:
            self._carry_out(self._segmenter.audio(packet))

    def _end_audio(self) -> None:
        self._segment_audio(self._sound.flush())
        self._segmenter.audio_ended()
        self._sound.close()

    def _finish(self, reason: str) -> None:
        """End the stream that is recorded."""
        self._segment_audio(self._sound.flush())
        self._carry_out(self._segmenter.finish(reason))
        self._release_stream()

    def _release_stream(self) -> None:
        self._sound.close()
        if self._template is not None:
            self._template.close()
        self._template = None

    def _carry_out(self, orders: Sequence[Order]) -> None:
        for order in orders:
            match order:
                case OpenFile():
                    self._open_file(order)
                case MuxVideo():
                    self._ledger.note_video(order.packet)
                    self._deliver(self._open_muxer().video(order.packet))
                case MuxAudio():
                    self._ledger.note_audio(order.packet)
                    self._deliver(self._open_muxer().audio(order.packet))
                case CloseFile():
                    self._close_file(order.reason)

    def _open_muxer(self) -> FragmentMuxer:
        if self._muxer is None:
            raise MuxError("a packet came while no file was open; the segmenter must open one first")
        return self._muxer

    def _open_file(self, order: OpenFile) -> None:
        audio = self._sound.stream if order.tracks.audio else None
        if self._template is None or (order.tracks.audio and audio is None):
            raise MuxError("a file is to be opened with a stream that is not there")
        self._ledger.begin_file()
        self._run, self._run_file = (self._run + 1, 0) if order.new_run else (self._run, self._run_file + 1)
        self._tracks = order.tracks
        nominal = round(VIDEO_TICKS_PER_SECOND / self._settings.frames_per_second)
        self._muxer = FragmentMuxer(self._template.stream, audio, nominal)

    def _deliver(self, fragments: Sequence[MuxedFragment]) -> None:
        for muxed in fragments:
            if muxed.header_bytes:
                self._announce(muxed.data[: muxed.header_bytes])
            body = self._ledger.fragment(muxed, self._notice_end_ns)
            self._output.fragment(body, muxed.data)
            self._count(fragments=1)

    def _announce(self, header: bytes) -> None:
        """Tell the output of the file, whose header is known with its first fragment."""
        if self._template is None:
            raise MuxError("a file came out of the muxer after its stream was given back")
        rate = self._settings.frames_per_second
        self._output.open_file(
            RunFacts(
                session_id=self._settings.session_id,
                run=self._run,
                run_file=self._run_file,
                has_video=True,
                has_audio=self._tracks.audio,
                width_pixels=self._template.width_pixels,
                height_pixels=self._template.height_pixels,
                frame_rate_numerator=rate.numerator,
                frame_rate_denominator=rate.denominator,
                sample_rate_hz=AUDIO_TICKS_PER_SECOND if self._tracks.audio else 0,
                first_frame=self._ledger.next_frame,
                first_sample=self._ledger.next_sample,
                init_hash=self._hash_header(header),
            ),
        )
        self._announced = True
        self._count(files=1)

    def _close_file(self, reason: str) -> None:
        self._deliver(self._open_muxer().close())
        self._muxer = None
        self._close_output(self._ledger.close_facts(reason))

    def _close_output(self, facts: CloseFacts) -> None:
        self._announced = False
        self._last_close = facts
        self._output.close_file(facts)

    def _count(self, **more: int) -> None:
        """Add to the statistics."""
        sums = {name: getattr(self._statistics, name) + number for name, number in more.items()}
        self._statistics = replace(self._statistics, **sums)
