"""Ask pip-audit about the requirements of an image; accept what containers/advisories.toml accepts.

    python scripts/audit.py requirements/cpu.lock …

Runs in Cloud Build, on a Python that has requirements/audit.lock.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

ADVISORIES = Path(__file__).parents[1] / "containers" / "advisories.toml"


def main(locks: list[str]) -> int:
    """Audit each lock; 1 when an advisory is not accepted, or has to be looked at again."""
    accepted = tomllib.loads(ADVISORIES.read_text(encoding="utf-8"))["accepted"]
    late = overdue(accepted, datetime.now(UTC).date())
    for advisory in late:
        print(f"{ADVISORIES.name}: {advisory} is to be looked at again", file=sys.stderr)
    ignored = [word for entry in accepted for word in ("--ignore-vuln", entry["id"])]
    # Without --strict pip-audit passes when it could not look anything up.
    command = [sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "--disable-pip"]
    codes = [
        subprocess.run([*command, *ignored, "--requirement", lock], check=False).returncode
        for lock in locks
    ]
    return int(bool(late) or any(codes))


def overdue(accepted: list[dict[str, object]], today: date) -> list[str]:
    """The advisories whose day to look again has come."""
    return [
        str(entry["id"]) for entry in accepted if date.fromisoformat(str(entry["review"])) <= today
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
