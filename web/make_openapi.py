"""Write `web/openapi.json`, from which `make web-types` makes the types of the API; no database is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from timbre.http.app import create_app
from timbre.settings import Settings

FILE: Final = Path(__file__).parent / "openapi.json"

if __name__ == "__main__":
    FILE.write_text(json.dumps(create_app(Settings(), "postgresql://").openapi(), indent=1), encoding="utf-8")
