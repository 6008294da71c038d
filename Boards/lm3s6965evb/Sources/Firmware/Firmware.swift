import BareMetal
import CBareMetal
import FirmwareMain

// QEMU's own part is gone with the power. A real board has a driver of its flash here.
@c @implementation func boardMain() -> Never { enrol(FlashFile.open) }
