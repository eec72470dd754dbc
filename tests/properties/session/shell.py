"""What stands around the session machine in its walks: it owes answers and gives them in any order."""

from dataclasses import dataclass, field

from capture import effects as fx
from tests.unit.capture_session.script import Driver


@dataclass
class Shell:
    """What a recorder owes the machine: answers to effects, given in any order."""

    driver: Driver
    taken: int = 0
    camera_wanted: bool = False
    camera_started: bool = False
    checking: bool = False
    running: bool = False
    held: bool = False
    speeches: list[fx.Speak] = field(default_factory=list)
    windows: list[fx.OpenWindow] = field(default_factory=list)
    marks: list[fx.LocateMark] = field(default_factory=list)
    ends: int = 0
    answers: list[fx.Seal] = field(default_factory=list)

    def take(self) -> None:
        for effect in self.driver.effects[self.taken :]:
            self._take(effect)
        self.taken = len(self.driver.effects)

    def _take(self, effect: fx.Effect) -> None:
        self._take_capture(effect)
        match effect:
            case fx.Measure():
                self.checking = True
            case fx.Speak():
                self.speeches.append(effect)
            case fx.Hush():
                self.speeches.clear()
            case fx.OpenWindow():
                self.windows.append(effect)
            case fx.DropWindow():
                self.windows = [window for window in self.windows if window.window != effect.window]
            case fx.LocateMark():
                self.marks.append(effect)
            case fx.Seal(answer=answer) if answer is not None:
                self.answers.append(effect)
            case _:
                pass

    def _take_capture(self, effect: fx.Effect) -> None:
        match effect:
            case fx.StartCapture():
                self.camera_wanted, self.camera_started = True, False
            case fx.StopCapture():
                self.camera_wanted = self.camera_started = False
            case fx.EndRun():
                assert self.running, "a run ends that was never begun"
                self.running = False
                self.ends += 1
                self.camera_wanted, self.camera_started = effect.camera is fx.CameraOrder.RESTART, False
            case fx.BeginRun():
                assert not self.running, "a run begins inside another"
                assert self.camera_started, "a run begins without frames"
                self.running = True
            case _:
                pass
