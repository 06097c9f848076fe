import json

import pytest

from tradingplatform.demo.demo_accounts import UnusableDemoFile, read_demo_file

ACCOUNT = {"account_id": "a1", "name": "Ada", "strategy": "momentum", "api_key": "secret-key"}


def written(tmp_path, content):
    path = tmp_path / "demo.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_accounts_are_read(tmp_path):
    demo = read_demo_file(written(tmp_path, {"web_url": "http://127.0.0.1:1", "accounts": [ACCOUNT]}))
    assert (demo.web_url, demo.accounts[0].name) == ("http://127.0.0.1:1", "Ada")
    assert "secret-key" not in repr(demo)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", {"web_url": "x", "accounts": [{"name": "Ada"}]}, {"web_url": "x", "accounts": 3}],
)
def test_an_unusable_file_is_named(tmp_path, content):
    with pytest.raises(UnusableDemoFile, match=r"demo\.json.*load_demo"):
        read_demo_file(written(tmp_path, content))


def test_an_unknown_strategy_is_named_with_the_known_ones(tmp_path):
    content = {"web_url": "x", "accounts": [ACCOUNT | {"strategy": "magic"}]}
    with pytest.raises(UnusableDemoFile, match=r"magic.*momentum, mean_reversion"):
        read_demo_file(written(tmp_path, content))
