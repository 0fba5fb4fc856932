"""When the interpreter itself is stuck, no Python thread can say where; the file can."""

import subprocess
import sys
from pathlib import Path

from adapters.watchdog import STACKS_FILE, Watchdog

ROOT = Path(__file__).resolve().parents[2]
HOLDS_THE_LOCK = """
import ctypes, sys
from pathlib import Path
from adapters.watchdog import Watchdog

def held_by_a_library():
    # PyDLL keeps the interpreter's lock while it calls.
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(1500)
    else:
        ctypes.PyDLL(None).usleep(1500000)

watchdog = Watchdog(Path(sys.argv[1]), stuck_after_s=0.5)
watchdog.start()
held_by_a_library()
watchdog.stop()
"""


def test_a_library_that_holds_the_interpreter_is_in_the_file_with_its_caller(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(tmp_path)], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "held_by_a_library" in (tmp_path / STACKS_FILE).read_text(encoding="utf-8")


def test_a_healthy_process_writes_nothing(tmp_path: Path) -> None:
    watchdog = Watchdog(tmp_path, stuck_after_s=60.0)
    watchdog.start()
    watchdog.stop()
    assert (tmp_path / STACKS_FILE).read_text(encoding="utf-8") == ""
