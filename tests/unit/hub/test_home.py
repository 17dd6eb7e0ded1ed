from pathlib import Path

import pytest

from llmlab import hub
from llmlab.i18n import LearnerError


def test_home_is_made_where_the_variable_says(own_home: Path) -> None:
    assert not own_home.exists()
    assert hub.home() == own_home
    assert hub.cache() == own_home / "cache"
    assert (own_home / "cache").is_dir()


def test_a_home_that_is_a_file_is_a_learners_mistake(own_home: Path) -> None:
    own_home.write_text("in the way")
    with pytest.raises(LearnerError) as error:
        hub.home()
    assert error.value.phrase == "hub.home_unusable"


def test_assets_lie_beside_the_package() -> None:
    assert (hub.assets().parent / "llmlab" / "hub" / "home.py").is_file()
