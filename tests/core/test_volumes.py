"""What `volumes` say."""

from __future__ import annotations

import pytest

from steersman.core import volumes
from steersman.core.errors import UserError
from steersman.core.volumes import Volume


def test_each_spelling_is_read() -> None:
    text = "/data, /srv/a:/b  ./here:/c:ro,../up:/d:rw cache:/e"
    assert volumes.parse(text, "/project") == (
        Volume("/data", "/data"),
        Volume("/srv/a", "/b"),
        Volume("/project/./here", "/c", read_only=True),
        Volume("/project/../up", "/d"),
        Volume("cache", "/e"),
    )


@pytest.mark.parametrize("word", ["cache", "/a:b", "/a:/b:rx", "a/b:/c", ":/a"])
def test_what_is_no_volume_is_refused_with_the_reason(word: str) -> None:
    with pytest.raises(UserError, match="is not a volume"):
        volumes.parse(word, "/project")
