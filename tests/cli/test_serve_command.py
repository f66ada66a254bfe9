"""The options of `rnner serve`; tests/serve tests the service itself."""

import logging

import pytest

pytest.importorskip("fastapi", reason='needs the extra: pip install "rnner[serve]"')

from rnner.serve import server

TOKEN = "a-token-for-the-tests"


@pytest.fixture
def served(rnner, trained, monkeypatch):
    """Run the command up to the point where it accepts requests; return its service and the outcome."""
    services = []

    def run(service, listener, on_start):
        services.append(service)
        on_start(None)

    monkeypatch.setattr(server, "run_service", run)
    monkeypatch.delenv("RNNER_TOKEN", raising=False)
    logger = logging.getLogger("rnner.serve")
    before = logger.handlers, logger.propagate, logger.level

    def call(*arguments):
        outcome = rnner("serve", "--model", trained, "--port", "0", *arguments)
        return (services.pop() if services else None), outcome

    yield call
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


def test_one_line_names_the_model_and_the_address(served):
    service, outcome = served()
    assert outcome.code == 0
    assert outcome.err.startswith("serving model (LOC, ORG, PER) at http://127.0.0.1:")
    assert outcome.err.count("\n") == 1
    assert service._facts["limits"]["body"] == 1_000_000


def test_limits_are_options(served):
    names = ("body", "text", "texts", "nbest", "queue", "connections")
    service, _ = served(*(part for name in names for part in (f"--max-{name}", "7")), "--timeout", "1.5")
    assert service._facts["limits"] == dict.fromkeys(names, 7) | {"seconds": 1.5}


def access(service):
    return service.app._access


def test_only_names_of_this_machine_are_answered_on_loopback(served):
    assert access(served()[0]).hosts == {"localhost", "127.0.0.1", "[::1]"}
    names = access(served("--allowed-host", "Names.Example:443")[0]).hosts
    assert names == {"localhost", "127.0.0.1", "[::1]", "names.example"}


def test_other_addresses_take_any_name_and_warn_without_a_token(served, token_file):
    service, outcome = served("--host", "0.0.0.0")
    assert access(service).hosts == frozenset()
    assert outcome.err.startswith(
        "warning: anyone who reaches 0.0.0.0 can use this service; give --token-file"
    )
    _, outcome = served("--host", "0.0.0.0", "--token-file", token_file)
    assert "warning" not in outcome.err


def test_the_token_comes_from_a_file_or_the_environment(served, token_file, monkeypatch):
    assert access(served("--token-file", token_file)[0]).token == TOKEN
    monkeypatch.setenv("RNNER_TOKEN", TOKEN[::-1])
    assert access(served()[0]).token == TOKEN[::-1]
    assert access(served("--token-file", token_file)[0]).token == TOKEN


@pytest.mark.parametrize(
    "content", ["", "short", "a token with spaces in it", "tökentökentökentöken", "a\x00" * 20]
)
def test_tokens_that_cannot_be_used(served, token_file, one_line, content):
    token_file.write_text(content)
    one_line(served("--token-file", token_file)[1], 2, "a token has 16 or more characters", "secrets")


def test_a_token_file_that_is_missing(served, tmp_path, one_line):
    one_line(served("--token-file", tmp_path / "gone")[1], 2, "gone: No such file or directory")


def test_reloading_over_http_needs_a_token(served, token_file, one_line):
    one_line(served("--allow-reload")[1], 2, "--allow-reload needs a token")
    service, _ = served("--allow-reload", "--token-file", token_file)
    assert "/reload" in service.app._paths


def test_a_report_is_served(served, tmp_path, one_line):
    report = tmp_path / "report.html"
    one_line(served("--report", report)[1], 2, f"--report {report}: No such file or directory")
    report.write_text("<!doctype html><title>Scores</title>")
    assert "/report" in served("--report", report)[0].app._paths


def test_a_model_that_does_not_exist(rnner, one_line, tmp_path):
    one_line(rnner("serve", "--model", tmp_path / "gone", "--port", "0"), 1, "model folder not found")


def test_without_the_extra_one_line_says_what_to_install(rnner, one_line, monkeypatch):
    from rnner.cli import serve

    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else object())
    one_line(rnner("serve"), 2, 'rnner serve needs uvicorn: pip install "rnner[serve]"')


def test_requests_are_logged_only_if_asked_for(served, capsys):
    requests = logging.getLogger("rnner.serve.requests")
    served()
    requests.info("POST /predict 200 3 ms")
    assert capsys.readouterr().err == ""
    served("--verbose")
    requests.info("GET /\x1b[31m 404 3 ms")
    assert capsys.readouterr().err == "GET /\\x1b[31m 404 3 ms\n"
