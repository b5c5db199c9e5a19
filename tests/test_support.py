"""The fixtures do what they say: real servers, clean for each test, repaired after an outage, ended with the run."""

import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path, PurePath

import psutil
import psycopg
import pytest
import redis
from redis.cluster import RedisCluster

from tests.support.kinds import (
    ALONE_FILES,
    LONG_FILES,
    SERVED_FILES,
    SERVED_FOLDERS,
    kinds_of,
    second_run,
)
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.quick import has_room, use_memory
from tests.support.redis_server import RedisClusterServers, RedisServer
from tests.support.server import Server
from tests.support.skips import skip_lines


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_has_a_database_of_its_own(postgres_url: str, attempt: int) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE left_behind (attempt int)")
        connection.execute("INSERT INTO left_behind VALUES (%s)", (attempt,))
        assert connection.execute("SELECT attempt FROM left_behind").fetchall() == [(attempt,)]


def test_a_frozen_postgres_answers_nobody_and_goes_on_when_thawed(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        answer: list[object] = []
        asked = threading.Thread(target=lambda: answer.append(connection.execute("SELECT 1").fetchone()))
        with postgres_server.frozen():
            asked.start()
            asked.join(timeout=0.3)
            assert answer == []
        asked.join(timeout=60)
        assert answer == [(1,)]


def test_a_killed_postgres_comes_back_with_what_was_committed(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        with postgres_server.down(), pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


@pytest.mark.parametrize("attempt", [1, 2])
def test_every_test_has_an_empty_redis(redis_url: str, attempt: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set("left_behind", attempt, nx=True)


def test_a_redis_left_frozen_or_dead_is_repaired(redis_server: RedisServer) -> None:
    redis_server.freeze()
    assert not redis_server.answers()
    redis_server.ensure_running()
    assert redis_server.answers()
    redis_server.kill()
    assert not redis_server.answers()
    redis_server.ensure_running()
    assert redis_server.answers()


def test_a_server_restarted_from_a_thread_outlives_that_thread(redis_server: RedisServer) -> None:
    redis_server.kill()
    restarter = threading.Thread(target=redis_server.start)
    restarter.start()
    restarter.join()
    assert redis_server.answers()


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_cluster_is_one_keyspace_over_three_nodes(redis_cluster_url: str, attempt: int) -> None:
    with RedisCluster.from_url(redis_cluster_url) as client:
        assert len(client.get_primaries()) == 3
        for number in range(30):
            assert client.set(f"user-{number}", attempt, nx=True)
        assert [client.get(f"user-{number}") for number in range(30)] == [str(attempt).encode()] * 30


def test_a_cluster_with_a_dead_node_is_repaired(redis_cluster: RedisClusterServers) -> None:
    redis_cluster.nodes[1].kill()
    assert not redis_cluster.nodes[1].answers()
    redis_cluster.ensure_running()
    assert all(node.sees_whole_cluster(3) for node in redis_cluster.nodes)


def test_a_server_ends_when_the_run_that_started_it_is_killed(redis_program: str, tmp_path: Path) -> None:
    starter = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.support.redis_server import RedisServer\n"
        "server = RedisServer(sys.argv[1], Path(sys.argv[2]))\nserver.start()\n"
        "print(server.pid, flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-c", starter, redis_program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline()))
        run.kill()
    assert not psutil.wait_procs([server], timeout=60)[1]


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Server(["sh", "-c", "echo no room; sleep 0.05; exit 3"], port=0, log=tmp_path / "log")
    server.answers = lambda: False  # type: ignore[method-assign]  # a server that never becomes ready
    with pytest.raises(RuntimeError, match="no room"):
        server.start()


def test_stopping_twice_or_killing_the_dead_does_no_harm(tmp_path: Path) -> None:
    with Server(["sleep", "60"], port=0, log=tmp_path / "log") as server:
        server.stop()
        server.stop()
        server.kill()
        assert not server.running


def test_the_shared_data_has_what_its_index_lists(faces_dir: Path, voices_dir: Path) -> None:
    assert (faces_dir / "index.csv").is_file()
    assert (voices_dir / "manifest.tsv").is_file()


def test_what_was_not_run_is_listed_by_reason() -> None:
    lines = skip_lines({"no camera": ("a", "b", "c", "d"), "no disk": ("e",)})
    assert lines == (
        "4 not run: no camera", "    a", "    b", "    c", "    and 1 more",
        "1 not run: no disk", "    e",
    )  # fmt: skip


def test_programs_keep_what_they_compiled() -> None:
    program = "import sys; print(sys.dont_write_bytecode)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), sys.dont_write_bytecode) == ("False", False)


def test_a_folder_inside_of_a_room_can_be_served() -> None:
    assert kinds_of(PurePath("cli/demo/test_story.py"), ()) == {"served"}
    assert kinds_of(PurePath("cli/test_ids.py"), ()) == set()
    assert kinds_of(PurePath("storage/test_rolls.py"), ("both", "servers")) == {"served"}
    assert kinds_of(PurePath("storage/test_rolls.py"), ("both", "embedded")) == set()


def test_what_runs_beside_the_test_has_a_second_run_and_a_unit_has_none() -> None:
    assert second_run({"served"}) == second_run({"alone"}) == {"reruns": 1}
    assert second_run({"long"}) == second_run(set()) == {}


def test_every_file_that_is_named_is_there() -> None:
    named = {*SERVED_FILES, *ALONE_FILES, *LONG_FILES, *SERVED_FOLDERS}
    assert not [name for name in named if not (Path(__file__).parent / name).exists()]


def test_files_lie_in_memory_where_they_may_and_there_is_room(tmp_path: Path) -> None:
    assert has_room(tmp_path, 0)
    assert not has_room(tmp_path, 2**60)
    assert not has_room(tmp_path / "nowhere", 0)


def test_who_has_chosen_a_place_for_files_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    use_memory(tmp_path.parent, 0)
    assert tempfile.gettempdir() == str(tmp_path)
    monkeypatch.delenv("TMPDIR")
    use_memory(tmp_path.parent, 0)
    assert tempfile.gettempdir() == str(tmp_path.parent)
