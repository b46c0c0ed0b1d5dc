"""The story that the README tells with curl, run as it stands there, and told as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.journeys.test_serve_journey import PROGRAM, environment, serving

README = Path(__file__).parents[2] / "README.md"
#: A block of commands and, after it, the block of what they print.
TOLD = re.compile(r"^```bash\n(.*?)^```\n```\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
NEXT = "--- and then ---"


def story() -> list[tuple[str, str]]:
    """The commands of the story and what they print, "…" being whatever it is."""
    section = README.read_text().partition("\n## The whole story with curl\n")[2].partition("\n## ")[0]
    assert section.count("```bash") == len(TOLD.findall(section)), "every block says what it prints"
    return TOLD.findall(section)


def test_the_story_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    blocks = story()
    assert len(blocks) >= 5
    script = f"echo '{NEXT}'\n".join(commands for commands, _ in blocks)
    env = environment(tmp_path)
    with serving(env=env) as (server, url):
        assert server.stderr is not None
        admin = server.stderr.readline().split()[-1]
        path = f"{PROGRAM.parent}{os.pathsep}{env['PATH']}"
        run = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env | {"URL": url, "ADMIN_KEY": admin, "PATH": path},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    printed = run.stdout.split(f"{NEXT}\n")
    for (commands, told), output in zip(blocks, printed, strict=True):
        assert fits(told, output), f"{commands}\nsays\n{output}\nand not\n{told}"
    assert (tmp_path / "coupon.svg").read_text().endswith("</svg>")


def fits(told: str, output: str) -> bool:
    pattern = "[^\n]*".join(re.escape(part) for part in told.split("…"))
    return re.fullmatch(pattern, output) is not None
