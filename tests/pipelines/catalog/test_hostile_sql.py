"""SQL of strangers: what is no question to the catalog is refused by name, and nothing gets out."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from small_catalog import a_plan, add, sum_question

from flows.cli.main import run
from flows.evidence import candidates
from pipelines.catalog.allowed import require_allowed, require_expression
from pipelines.catalog.guarded import BadQuery, answered, guarded
from pipelines.catalog.lock import workspace_lock
from pipelines.curation.select import select
from pipelines.workspace import Workspace, WrongUse
from train.evaluation.sets import held_out


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("hostile") / "w", lock_timeout=20)
    add(workspace, [sum_question(i) for i in range(40)])
    return workspace


FILES = [
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from read_json('/etc/passwd')",
    "select * from read_parquet('/etc/passwd')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from read_duckdb('catalog.duckdb')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('/*')",
    "select * from read_csv('https://example.org/x.csv')",
    "select (select content from read_text('/etc/passwd'))",
    "with x as (from read_text('/etc/passwd')) from x",
    "select * from samples where exists (from read_text('/etc/passwd'))",
    "select * from query('select * from read_text(''/etc/passwd'')')",
    "select * from query_table('samples')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select * from arrow_scan(1, 2, 3)",
    "select * from pandas_scan(1)",
]
TELLING = [
    "select * from duckdb_secrets()",
    "select * from duckdb_settings()",
    "select * from system.main.duckdb_settings()",
    "select * from duckdb_extensions()",
    "select * from duckdb_logs()",
    "select * from which_secret('s3://x', 's3')",
    "select * from pragma_database_size()",
    "select * from checkpoint()",
    "select * from enable_logging()",
    "select * from test_all_types()",
]
SYSTEM = [
    "from duckdb_databases",
    "from pragma_database_list",
    "from sqlite_master",
    "from pg_settings",
    "from pg_catalog.pg_tables",
    "from information_schema.tables",
    "from system.main.duckdb_tables",
    "with duckdb_databases as (select 1) from duckdb_databases",
    "summarize duckdb_tables",
    "describe pg_catalog.pg_class",
]
CALLS = [
    "select getenv('HOME')",
    "select main.getenv('HOME')",
    "select current_setting('home_directory')",
    "select getvariable('x')",
    "select write_log('x')",
    "select pg_sleep(10)",
    "select sleep_ms(10000)",
    "select nextval('x')",
    "select * from samples where getenv('HOME') = '/'",
    "select count(*) filter (where getenv('HOME') is null) from samples",
]
STATEMENTS = [
    ("attach '/tmp/x.db' as x", "ATTACH"),
    ("detach catalog", "DETACH"),
    ("copy samples to '/tmp/x.csv'", "COPY"),
    ("copy (select 1) to '/tmp/x.csv'", "COPY"),
    ("copy samples from '/tmp/x.csv'", "COPY"),
    ("export database '/tmp/x'", "EXPORT"),
    ("import database '/etc'", "no files"),
    ("load httpfs", "LOAD"),
    ("install httpfs", "LOAD"),
    ("install x from 'http://127.0.0.1'", "LOAD"),
    ("set memory_limit = '100GB'", "SET"),
    ("reset memory_limit", "SET"),
    ("set variable x = 1", "SET"),
    ("use main", "SET"),
    ("pragma threads = 64", "SET"),
    ("pragma version", "no PRAGMA"),
    ("pragma database_list", "no PRAGMA"),
    ("call pragma_version()", "CALL"),
    ("checkpoint", "CALL"),
    ("vacuum", "VACUUM"),
    ("create table x (y integer)", "CREATE"),
    ("create temp table x as from samples", "CREATE"),
    ("create macro f() as 1", "CREATE"),
    ("create temp macro f() as 1", "CREATE"),
    ("create or replace view samples as select 1", "CREATE"),
    ("drop table samples", "DROP"),
    ("alter table samples add column x integer", "ALTER"),
    ("comment on table samples is 'x'", "ALTER"),
    ("insert into samples from samples", "INSERT"),
    ("update samples set task = 'x'", "UPDATE"),
    ("delete from samples", "DELETE"),
    ("truncate samples", "DELETE"),
    ("merge into samples using samples s on true when matched then delete", "MERGE_INTO"),
    ("begin", "TRANSACTION"),
    ("prepare p as select 1", "PREPARE"),
    ("execute p", "EXECUTE"),
    ("explain select 1", "EXPLAIN"),
    ("explain analyze select 1", "EXPLAIN"),
    ("show databases", "`show databases` is not allowed"),
    ("show all tables", "is not allowed"),
    ("select 1; select 2", "give one SELECT, not 2 statements"),
    ("select 1; drop table samples", "give one SELECT, not 2 statements"),
    ("pivot samples on task using count(*)", "of a PIVOT, name the columns"),
    ("with x as (delete from samples returning *) from x", "A CTE needs a SELECT"),
    ("", "give one SELECT, not 0 statements"),
    ("-- nothing", "give one SELECT, not 0 statements"),
    ("selec 1", "syntax error"),
    ("select " + "(" * 50_000, "wrong"),
    ("select 1" + "+1" * 50_000, "longer than 100,000 characters"),
]


@pytest.mark.parametrize("statement", [*FILES, *TELLING])
def test_only_tables_and_harmless_functions_are_read_from(statement: str) -> None:
    with pytest.raises(BadQuery, match=r"^\w+\(\) may not be read from") as refused:
        require_allowed(statement)
    assert str(refused.value).partition("(")[0] in statement


@pytest.mark.parametrize("statement", SYSTEM)
def test_the_system_s_own_tables_are_none_of_the_catalog(statement: str) -> None:
    with pytest.raises(BadQuery, match="is no table of the catalog"):
        require_allowed(statement)


@pytest.mark.parametrize("statement", CALLS)
def test_functions_that_tell_of_the_process_or_only_wait_are_refused(statement: str) -> None:
    with pytest.raises(BadQuery, match=r"^\w+\(\) may not be called here"):
        require_allowed(statement)


@pytest.mark.parametrize(("statement", "named"), STATEMENTS, ids=lambda text: text[:40])
def test_what_is_not_one_select_is_refused_by_its_name(statement: str, named: str) -> None:
    with pytest.raises(BadQuery) as refused:
        require_allowed(statement)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_system_view_of_this_duckdb_is_left_out() -> None:
    with duckdb.connect() as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where internal"
        ).fetchall()
    assert len(views) > 40
    for schema, name in views:
        with pytest.raises(BadQuery, match="is no table of the catalog"):
            require_allowed(f"from {schema}.{name}")
        if schema == "main":
            with pytest.raises(BadQuery, match="is no table of the catalog"):
                require_allowed(f"from {name}")


def test_a_refusal_neither_opens_the_catalog_nor_looks_at_files(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("create table x (y integer);")
    (tmp_path / "load.sql").write_text("")
    with pytest.raises(BadQuery, match="no files"):
        require_allowed(f"import database '{tmp_path}'")


@pytest.mark.parametrize("name", ["catalog.duckdb", "/etc/passwd", "x.csv", "x.parquet"])
def test_the_name_of_a_file_is_no_table(world: Workspace, name: str) -> None:
    with pytest.raises(BadQuery, match=r"neither files nor network|does not exist"):
        guarded(world.catalog, f"from '{name}'")


def test_a_variable_of_ours_is_no_table(world: Workspace) -> None:
    secret = pa.table({"secret": [1]})
    assert secret.num_rows
    with pytest.raises(BadQuery, match="Table with name secret does not exist"):
        guarded(world.catalog, "from secret")


def test_the_engine_itself_would_refuse_too(world: Workspace) -> None:
    """Were a function missing from our lists, the connection still reaches nothing."""
    from pipelines.catalog.allowed import GUARD

    attempts = [
        *(statement for statement in FILES[:12]),
        *("attach '/tmp/x.db'", "copy (select 1) to '/tmp/x.csv'", "set threads = 64"),
        *("install httpfs", "load httpfs", "delete from samples", "create table x (y int)"),
    ]
    with duckdb.connect(world.catalog.path, read_only=True, config=GUARD) as connection:
        for statement in attempts:
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


HARMLESS = [
    "select count(*) as n from samples;",
    "from samples limit 1",
    "table corpora",
    "values (1)",
    "describe samples",
    "show tables",
    "summarize corpora",
    "select * from (describe difficulty)",
    "with recursive r as (select 1 as x union all select x + 1 from r where x < 5) from r",
    "pivot samples on task in ('sums/add') using count(*)",
    "select unnest(range(3)), t.i from generate_series(1, 2) t(i)",
    "select * from main.samples limit 1",
    "select [x for x in [1, 2] if x > 1], json_extract('{\"a\": 1}', '$.a')",
]


@pytest.mark.parametrize("statement", HARMLESS)
def test_plain_questions_are_answered(world: Workspace, statement: str) -> None:
    assert guarded(world.catalog, statement).num_columns


ENDLESS = [
    "select sum(range) from range(100000000000)",
    "with recursive r as (select 1 as x union all select x + 1 from r) from r",
    "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1",
    "select * from repeat('x', 100000000000)",
    "select * from range(100000000000)",
]
HUGE = [
    "select list(range) from range(1000000000)",
    "select array_agg(x) from (select unnest(range(100000000)) as x)",
    "select repeat('x', 4000000000)",
    "select string_agg(repeat('x', 1000000), '') from range(1000000)",
    "select a.range, b.range from range(100000000) a, range(2) b order by hash(a.range)",
]


@pytest.mark.parametrize(
    "statement", [ENDLESS[0], *(pytest.param(x, marks=pytest.mark.slow) for x in ENDLESS[1:])]
)
def test_an_endless_question_ends(world: Workspace, statement: str) -> None:
    with pytest.raises(BadQuery, match=r"took longer than|needs more than"):
        guarded(world.catalog, statement, seconds=1.5, memory="300MB")


@pytest.mark.parametrize(
    "statement", [*HUGE[:2], *(pytest.param(x, marks=pytest.mark.slow) for x in HUGE[2:])]
)
def test_a_question_too_large_for_memory_is_refused_and_takes_none_of_ours(
    world: Workspace, statement: str
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadQuery, match="300MB"):
        guarded(world.catalog, statement, seconds=20, memory="300MB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    assert guarded(world.catalog, "select 1 as one").to_pylist() == [{"one": 1}]


def test_a_slow_question_lets_writers_pass(world: Workspace) -> None:
    """It is moved to the snapshot: the lock is free while it still runs."""
    code = (
        "import sys; from pathlib import Path; from pipelines.catalog import Catalog;"
        "from pipelines.catalog.guarded import guarded, BadQuery\n"
        "print('asked', flush=True)\n"
        "try: guarded(Catalog(Path(sys.argv[1])), 'select sum(range) from range(100000000000)',"
        " seconds=600)\nexcept BadQuery: pass"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", code, str(world.root)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert asking.stdout is not None
    asking.stdout.readline()
    try:
        until = time.monotonic() + 60
        while not world.catalog.snapshot_path.exists() and time.monotonic() < until:
            time.sleep(0.05)
        with workspace_lock(world.catalog.lock_folder, exclusive=True, timeout=20):
            assert asking.poll() is None
    finally:
        asking.kill()
        asking.wait()


def test_only_so_many_rows_are_fetched_when_few_are_wanted(world: Workspace) -> None:
    with answered(world.catalog, "select * from range(100000000000)", rows=7) as answer:
        assert answer.batches.read_all().num_rows == 7
        assert answer.more
    with answered(world.catalog, "select * from range(7)", rows=7) as answer:
        assert answer.batches.read_all().num_rows == 7
        assert not answer.more


@pytest.mark.parametrize("memory", ["lots", "-1GB", "1 kB", ""])
def test_a_limit_that_is_none_is_refused(world: Workspace, memory: str) -> None:
    with pytest.raises(BadQuery, match="is no size of at least 1MB"):
        guarded(world.catalog, "select 1", memory=memory)


def test_an_open_catalog_in_the_same_thread_is_an_error_not_a_deadlock(world: Workspace) -> None:
    with world.catalog.read(), pytest.raises(RuntimeError, match="already open"):
        guarded(world.catalog, "select 1")


CONDITIONS = [
    "exists (from read_text('/etc/passwd'))",
    "sample_id in (select content from read_csv('/etc/passwd'))",
    "(select count(*) from glob('/*')) > 0",
    "getenv('HOME') is not null",
    "exists (from duckdb_settings())",
    "exists (from sqlite_master)",
    "exists (from query('select 1'))",
    "1=1) union all select content from read_text('/etc/passwd') where (1=1",
    "1=1) union all select 'x' --",
    "true); drop table samples; select (1",
    "true; select 1",
    "(delete from samples returning true)",
    "exists (from local_variable)",
]


def _by_plan(workspace: Workspace, where: str) -> object:
    return select(workspace.catalog, a_plan(where=where))


def _by_condition(workspace: Workspace, where: str) -> object:
    return candidates(workspace, where, "id-of-tiny")


def _held_out(workspace: Workspace, where: str) -> object:
    return held_out(workspace, where, 5, 0)


@pytest.mark.parametrize("where", CONDITIONS)
@pytest.mark.parametrize("door", [_by_plan, _by_condition, _held_out])
def test_a_condition_passes_the_same_guard(
    world: Workspace, door: Callable[[Workspace, str], object], where: str
) -> None:
    with pytest.raises(WrongUse) as refused:
        door(world, where)
    assert "\n" not in str(refused.value)
    assert world.catalog.rows("select count(*) as n from samples") == [{"n": 40}]


def test_a_condition_is_one_expression() -> None:
    require_expression("task like 'sums/%' -- a comment\n and true")
    for where in ("", "true) limit (1", "true) order by (1", "a = "):
        with pytest.raises(BadQuery):
            require_expression(where)


COMMANDS = [
    ("augment", "preview", "--where"),
    ("reward", "audit", "--where"),
    ("withdraw", "--dry-run"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_refuse_a_condition_that_reads_files(
    world: Workspace, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    where = "exists (from read_text('/etc/passwd'))"
    code = run([*words, where, "--workspace", str(world.root)])
    assert code == 2
    assert "read_text() may not be read from" in capsys.readouterr().err
