"""What these tests share: one engine, whose temporary files can be watched."""

import pytest

from timbre import Engine, Settings


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine("base", settings=Settings(temp_dir=tmp_path_factory.mktemp("decoded")))
