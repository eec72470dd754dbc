"""What every driver set must pass: an importable suite over the ports of `hal.ports`.

A driver set's own tests take the suite by subclassing it and say how the hardware is had::

    from hal.conformance import HardwareConformance, Rig


    class TestOurBoard(HardwareConformance):
        @pytest.fixture
        def rig(self, tmp_path):
            drivers = load_driver_set("ourboard")
            yield Rig("ourboard", drivers, drivers.open({}, str(tmp_path / "spool")))
            drivers.close()

Rules of this package: it knows the ports alone, no driver set; it waits by the hardware's own clock, so that it holds
for simulated and for real time; each test names the rule of `hal/DRIVERS.md` that it holds a driver set to.
"""

from hal.conformance.camera import CameraConformance
from hal.conformance.clock import ClockConformance
from hal.conformance.drivers import DriverSetConformance
from hal.conformance.heat import HeatConformance
from hal.conformance.panel import PanelConformance
from hal.conformance.rig import Fate, Rig
from hal.conformance.sound import SoundConformance
from hal.conformance.storage import StorageConformance


class HardwareConformance(
    DriverSetConformance,
    ClockConformance,
    StorageConformance,
    CameraConformance,
    SoundConformance,
    PanelConformance,
    HeatConformance,
):
    """The whole suite; override the fixture `rig`."""


__all__ = ["Fate", "HardwareConformance", "Rig"]
