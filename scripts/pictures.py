"""Write the pictures of the README from what rnner prints.

    python scripts/pictures.py    # writes docs/images/terminal.svg and docs/images/page.png

The first shows what `rnner predict` prints in a terminal of 80 columns, the second its HTML page.
Needs Pillow (it comes with matplotlib) and Chromium; on Linux and macOS.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageChops
from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent.parent / "docs" / "images"
RNNER = [sys.executable, "-c", "from rnner.cli.main import main; main()"]
COLUMNS = 80
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
COMMANDS = [
    'rnner predict "Harry Potter and Hermione Granger invented a new spell."',
    'rnner predict --scores "Dr. Amara Nwosu flew from Lagos to Oslo."',
]
LETTER = """\
Dear Hermione,

Dr. Amara Nwosu of the Red Cross flew from Lagos to Oslo on Monday. She met Harry Potter at the \
University of Oslo. Siemens and the World Health Organization will pay for the new laboratory in Nairobi.

Ron Weasley
"""


def terminal_output(command: Sequence[str], columns: int = COLUMNS) -> str:
    """Run a command in a terminal and return what it prints there, with its escape sequences."""
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal, env=environment
    )
    os.close(terminal)
    parts = []
    try:
        while part := os.read(reader, 65536):
            parts.append(part)
    except OSError:  # Linux reports the end of a terminal like this
        pass
    os.close(reader)
    output = b"".join(parts).decode().replace("\r\n", "\n")
    if process.wait():
        raise SystemExit(f"error: {shlex.join(command)}\n{output}")
    return output


def terminal_picture(commands: Sequence[str], path: Path) -> None:
    """Write a picture of a terminal in which the commands have run."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for number, command in enumerate(commands):
        console.print(*[""] * bool(number), Text(f"$ {command}"), sep="\n")
        console.print(Text.from_ansi(terminal_output([*RNNER, *shlex.split(command)[1:]])), end="")
    path.write_text(WEB_FONT.sub("", console.export_svg(title="", unique_id="rnner")), encoding="utf-8")


def page_picture(page: Path, path: Path, *, width: int = 760, scale: int = 2) -> None:
    """Write a screenshot of a page, without the empty part at its end."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("error: Chromium not found; install it, or add it to PATH")
    command = [chromium, "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},1600"]
    command += [f"--force-device-scale-factor={scale}", f"--screenshot={path}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    picture = Image.open(path).convert("RGB")
    background = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    content = ImageChops.difference(picture, background).getbbox()
    bottom = min(content[3] + 20 * scale, picture.height) if content else picture.height
    picture.crop((0, 0, picture.width, bottom)).quantize(128, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def main() -> None:
    """Write both pictures and print their sizes."""
    IMAGES.mkdir(exist_ok=True)
    terminal, page = IMAGES / "terminal.svg", IMAGES / "page.png"
    terminal_picture(COMMANDS, terminal)
    with tempfile.TemporaryDirectory() as folder:
        letter, html = Path(folder, "letter.txt"), Path(folder, "letter.html")
        letter.write_text(LETTER)
        options = ["--file", str(letter), "--format", "html", "--output", str(html)]
        subprocess.run([*RNNER, "predict", *options], check=True)
        page_picture(html, page)
    for path in (terminal, page):
        print(f"{path.relative_to(IMAGES.parent.parent)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
