"""A disk that fills, stalls, fails and loses what was not synced when the power goes."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from hal.errors import PermanentHardwareError, StorageFullError
from hw_sim.civil import NANOSECONDS
from hw_sim.errors import SimulationError
from hw_sim.storage import OPERATIONS, SimStorage
from hw_sim.world import World, WorldSettings
from tests.unit.hw_sim.conftest import MakeWorld


@pytest.fixture(name="world")
def world_fixture(make_world: MakeWorld) -> World:
    return make_world(WorldSettings(speed="max", quota_bytes=10_000))


@pytest.fixture(name="storage")
def storage_fixture(world: World) -> SimStorage:
    return SimStorage(world.medium)


def test_the_quota_holds_over_all_files(storage: SimStorage) -> None:
    first, second = storage.create("1.evs"), storage.create("2.evs")
    first.append(b"x" * 6_000)
    second.append(b"x" * 4_000)
    assert storage.usage().free_bytes == 0
    with pytest.raises(StorageFullError):
        second.append(b"x")
    first.close()
    storage.replace("1.evs", None)
    assert storage.usage().free_bytes == 6_000
    second.append(b"x" * 6_000)
    assert len(storage.read("2.evs", 0, 20_000)) == 10_000
    second.close()


def test_others_can_fill_it(world: World, storage: SimStorage) -> None:
    world.fill_storage(100)
    assert storage.usage().free_bytes == 100
    with pytest.raises(StorageFullError) as full:
        storage.create("1.evs").append(b"x" * 101)
    assert full.value.errno == errno.ENOSPC


def test_files_that_were_there_before_count(make_world: MakeWorld, storage: SimStorage) -> None:
    file = storage.create("1.evs")
    file.append(b"x" * 1_234)
    file.close()
    again = make_world(WorldSettings(speed="max", quota_bytes=10_000))
    assert SimStorage(again.medium).usage().free_bytes == 10_000 - 1_234


def test_a_stall_takes_the_worlds_time(world: World, storage: SimStorage) -> None:
    with world.clock.participate():
        file = storage.create("1.evs")
        begun_ns = world.clock.world_ns
        world.stall_storage(5.0)
        file.append(b"x")
        assert world.clock.world_ns == begun_ns + 5 * NANOSECONDS
        file.sync()
        assert world.clock.world_ns == begun_ns + 5 * NANOSECONDS + 4_000_000
        file.close()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("error", [errno.EIO, errno.EROFS, errno.ENOSPC])
def test_any_one_operation_can_fail_once(world: World, storage: SimStorage, operation: str, error: int) -> None:
    file = storage.create("1.evs")
    acts: dict[str, Callable[[], object]] = {
        "append": lambda: file.append(b"x"),
        "sync": file.sync,
        "create": lambda: storage.create("2.evs").close(),
        "read": lambda: storage.read("1.evs", 0, 1),
        "replace": lambda: storage.replace("1.evs", "1.torn"),
        "names": storage.names,
    }
    world.fail_storage(operation, error)
    with pytest.raises(OSError) as failed:  # noqa: PT011 -- the errno is what is asked for
        acts[operation]()
    assert failed.value.errno == error
    assert isinstance(failed.value, StorageFullError) == (error == errno.ENOSPC)
    for act in acts.values():
        act()
    file.close()


def test_an_operation_that_is_none_cannot_fail(world: World) -> None:
    with pytest.raises(SimulationError, match="append, sync"):
        world.fail_storage("truncate", errno.EIO)


def test_a_mended_medium_works_whatever_was_still_to_go_wrong(world: World, storage: SimStorage) -> None:
    world.fail_storage("create", errno.EIO)
    world.stall_storage(30)
    world.write_protect_storage(protected=True)
    world.mend_storage()
    before_ns = world.clock.world_ns
    storage.create("1.evs").close()
    assert world.clock.world_ns - before_ns < NANOSECONDS
    assert storage.usage().writable


def test_a_read_only_medium_still_reads(world: World, storage: SimStorage) -> None:
    file = storage.create("1.evs")
    file.append(b"abc")
    world.write_protect_storage(protected=True)
    with pytest.raises(OSError, match="read-only"):
        file.append(b"d")
    assert not storage.usage().writable
    assert storage.read("1.evs", 1, 9) == b"bc"
    world.write_protect_storage(protected=False)
    file.append(b"d")
    file.close()


def test_a_power_cut_keeps_what_was_synced_and_cuts_the_rest_somewhere(
    make_world: MakeWorld, power_cuts: list[str]
) -> None:
    kept: set[int] = set()
    for seed in range(8):
        world = make_world(WorldSettings(speed="max", seed=seed))
        storage = SimStorage(world.medium)
        name = f"{seed}.evs"
        file = storage.create(name)
        file.append(b"s" * 1_000)
        file.sync()
        file.append(b"u" * 1_000)
        world.cut_power()
        left = world.medium.directory.joinpath(name).read_bytes()
        assert left == (b"s" * 1_000 + b"u" * 1_000)[: len(left)]
        assert 1_000 <= len(left) <= 2_000
        kept.add(len(left))
        with pytest.raises(OSError, match="gone"):
            file.append(b"x")
        for act in (file.sync, storage.names):
            with pytest.raises(OSError, match="gone"):
                act()
        with pytest.raises(PermanentHardwareError):
            storage.usage()
        file.close()
    assert len(kept) > 4
    assert len(power_cuts) == 8


@pytest.mark.parametrize("operation", ["append", "sync", "create"])
def test_the_power_can_go_in_the_middle_of_an_operation(
    make_world: MakeWorld, power_cuts: list[str], operation: str
) -> None:
    world = make_world(WorldSettings(speed="max", seed=5))
    storage = SimStorage(world.medium)
    file = storage.create("1.evs")
    file.append(b"s" * 100)
    file.sync()
    world.cut_power_during(operation)
    with pytest.raises(OSError):  # noqa: PT012, PT011 -- one of them is the one
        file.append(b"u" * 1_000)
        file.sync()
        storage.create("2.evs").append(b"never")
    assert power_cuts == ["off"]
    assert world.medium.directory.joinpath("1.evs").read_bytes()[:100] == b"s" * 100
    second = world.medium.directory / "2.evs"
    assert second.exists() == (operation == "create")
    file.close()


def test_a_file_closed_without_sync_is_still_at_stake(make_world: MakeWorld) -> None:
    world = make_world(WorldSettings(speed="max", seed=3))
    storage = SimStorage(world.medium)
    for name in "abcdefgh":
        file = storage.create(name)
        file.append(b"x" * 1_000)
        file.close()
    storage.replace("a", "a.torn")
    world.cut_power()
    sizes = [path.stat().st_size for path in sorted(world.medium.directory.iterdir())]
    assert len(sizes) == 8
    assert min(sizes) < 1_000


def test_the_spool_is_flat_and_files_are_never_reopened(storage: SimStorage) -> None:
    storage.create("1.evs").close()
    with pytest.raises(FileExistsError):
        storage.create("1.evs")
    for name in ("../x", "a/b", ""):
        with pytest.raises(OSError, match="flat"):
            storage.create(name)
    with pytest.raises(FileNotFoundError):
        storage.read("2.evs", 0, 1)
    assert list(storage.names()) == ["1.evs"]


def test_a_closed_file_takes_nothing(storage: SimStorage) -> None:
    file = storage.create("1.evs")
    file.close()
    file.close()
    assert file.name == "1.evs"
    with pytest.raises(OSError, match="closed"):
        file.append(b"x")
    with pytest.raises(OSError, match="closed"):
        file.sync()
