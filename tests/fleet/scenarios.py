"""What may happen to a host, to its way to the store, or to the store."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

from aio_token.testing import Slow
from tests.fleet.rig import LEASE, LIFETIME, SHORT

if TYPE_CHECKING:
    from tests.fleet.rig import Fleet, Scenario

PAUSE = 4.0
"""Seconds for which something is out of order that comes back."""

WRONG_CLOCKS = (0.0, 0.0, 120.0, -120.0)


async def killed_when_it_holds_the_lease(fleet: Fleet) -> None:
    """Killed when it has the lease."""
    await _killed_at("entered", fleet)


async def killed_before_it_sends(fleet: Fleet) -> None:
    """Killed right before it sends, with its mark in the store."""
    await _killed_at("sending", fleet)


async def killed_before_the_rotation(fleet: Fleet) -> None:
    """Killed when its request has arrived, before the server rotates."""
    await _killed_in_flight(fleet, rotates=False)


async def killed_after_the_rotation(fleet: Fleet) -> None:
    """Killed when the server has rotated, before the answer is there."""
    await _killed_in_flight(fleet, rotates=True)


async def killed_before_it_saves(fleet: Fleet) -> None:
    """Killed when it has the answer, before it saves."""
    await _killed_at("saving", fleet)


async def killed_after_it_saved(fleet: Fleet) -> None:
    """Killed when it has saved, before it gives the lease back."""
    await _killed_at("saved", fleet)


async def _killed_at(step: str, fleet: Fleet) -> None:
    fleet.obtain = SHORT
    one = await fleet.host(stop_at=step)
    await one.stops()
    await one.kill()
    await (await fleet.host()).has_a_token()


async def _killed_in_flight(fleet: Fleet, *, rotates: bool) -> None:
    fleet.obtain = SHORT
    one = await fleet.host()
    await fleet.on_refresh(one.kill, rotates=rotates).wait()
    await (await fleet.host()).has_a_token()


async def stopped_before_its_mark(fleet: Fleet) -> None:
    """Stopped before its mark, woken when another host has renewed."""
    await _stopped_until_another_renewed("marking", fleet)


async def stopped_before_it_sends(fleet: Fleet) -> None:
    """Stopped right before it sends, woken when another host has renewed."""
    await _stopped_until_another_renewed("sending", fleet)


async def stopped_before_it_saves_for_long(fleet: Fleet) -> None:
    """Stopped before it saves, for longer than the patience."""
    await _stopped_until_another_renewed("saving", fleet)


async def stopped_after_it_saved(fleet: Fleet) -> None:
    """Stopped when it has saved, with the lease, woken when another host has renewed."""
    one = await fleet.host(stop_at="saved")
    await one.stops()
    two = await fleet.host()
    await two.has_a_token()
    await two.goes_on()
    one.send(signal.SIGCONT)
    await one.goes_on()


async def _stopped_until_another_renewed(step: str, fleet: Fleet) -> None:
    fleet.obtain = SHORT
    one = await fleet.host(stop_at=step)
    await one.stops()
    await (await fleet.host()).has_a_token()
    one.send(signal.SIGCONT)
    await one.has_a_token()


async def stopped_with_the_answer_in_its_socket(fleet: Fleet) -> None:
    """Stopped in mid-POST with the answer in its socket, woken after its lease."""
    await _stopped_in_flight(fleet)
    one, two = fleet.hosts
    await fleet.lease_is_over()
    one.send(signal.SIGCONT)
    await fleet.go_on(one, two)


async def stopped_with_the_answer_in_its_socket_for_long(fleet: Fleet) -> None:
    """Stopped in mid-POST with the answer in its socket, for longer than the patience."""
    fleet.obtain = SHORT
    await _stopped_in_flight(fleet)
    one, two = fleet.hosts
    await two.has_a_token()
    one.send(signal.SIGCONT)
    await one.has_a_token()


async def _stopped_in_flight(fleet: Fleet) -> None:
    one = await fleet.host()

    async def stop() -> None:
        one.send(signal.SIGSTOP)

    await fleet.on_refresh(stop).wait()
    await fleet.host()


async def stopped_before_it_saves(fleet: Fleet) -> None:
    """Stopped before it saves, woken after its lease."""
    one = await fleet.host(stop_at="saving")
    await one.stops()
    two = await fleet.host()
    await fleet.lease_is_over()
    one.send(signal.SIGCONT)
    await fleet.go_on(one, two)


async def cut_off_before_it_saves(fleet: Fleet) -> None:
    """Cut off from the store in mid-POST, for longer than the lease."""
    await _cut_off_in_flight(fleet)
    one, two = fleet.hosts
    await fleet.lease_is_over()
    await asyncio.sleep(PAUSE)
    one.way.join()
    await fleet.go_on(one, two)


async def cut_off_before_it_saves_for_long(fleet: Fleet) -> None:
    """Cut off from the store in mid-POST, for longer than the patience."""
    fleet.obtain = SHORT
    await _cut_off_in_flight(fleet)
    one, two = fleet.hosts
    await two.has_a_token()
    one.way.join()
    await one.has_a_token()


async def answers_are_dropped(fleet: Fleet) -> None:
    """The store's answers are dropped from mid-POST on, requests are not, for four seconds."""
    await _cut_off_in_flight(fleet, answers_alone=True)
    one, two = fleet.hosts
    await asyncio.sleep(PAUSE)
    one.way.join()
    await fleet.go_on(one, two)


async def _cut_off_in_flight(fleet: Fleet, *, answers_alone: bool = False) -> None:
    one = await fleet.host()

    async def cut() -> None:
        (one.way.cut_answers if answers_alone else one.way.cut)()

    await fleet.on_refresh(cut).wait()
    await fleet.host()


async def all_are_cut_off(fleet: Fleet) -> None:
    """All hosts are cut off from the store for four seconds, with good tokens."""
    hosts = await fleet.two_hosts()
    for host in hosts:
        host.way.cut()
    await asyncio.sleep(PAUSE)
    for host in hosts:
        host.way.join()
    await fleet.go_on(*hosts)


async def clocks_differ(fleet: Fleet) -> None:
    """Four hosts, two of them with clocks two minutes ahead and behind."""
    hosts = [await fleet.host(clock_ahead=seconds) for seconds in WRONG_CLOCKS]
    await fleet.go_on(*hosts)
    loop = asyncio.get_running_loop()
    began, before = loop.time(), fleet.server.refreshes
    for _ in range(3):
        await fleet.go_on(*hosts)
    asked, most = fleet.server.refreshes - before, (loop.time() - began) / (LIFETIME / 2) + 1
    assert asked <= most, f"{asked} refreshes where {most:.0f} would do"


async def the_endpoint_is_slow(fleet: Fleet) -> None:
    """The token endpoint takes three times as long as the lease lasts."""
    fleet.server.inject(Slow(before=2 * LEASE, after=LEASE))
    one, two = await fleet.host(), await fleet.host()
    for _ in range(2):
        await fleet.go_on(one, two)


async def the_store_is_emptied(fleet: Fleet) -> None:
    """The store is emptied."""
    hosts = await fleet.two_hosts()
    await fleet.store.forget(fleet.name)
    await fleet.go_on(*hosts)


async def the_store_is_emptied_in_mid_renewal(fleet: Fleet) -> None:
    """The store is emptied while a refresh token is being spent."""
    hosts = await fleet.two_hosts()

    async def forget() -> None:
        await fleet.store.forget(fleet.name)

    await fleet.on_refresh(forget).wait()
    await fleet.go_on(*hosts)


async def the_store_is_rolled_back(fleet: Fleet) -> None:
    """The store comes back with a snapshot from two renewals ago."""
    hosts = await fleet.two_hosts()
    await fleet.store.take_snapshot(fleet.name)
    for _ in range(2):
        await fleet.go_on(*hosts)
    await fleet.store.roll_back(fleet.name)
    await fleet.go_on(*hosts)


async def the_store_is_rolled_back_between_generations(fleet: Fleet) -> None:
    """So it does, and of two hosts one knows the last renewal alone, and one only the one before."""
    fleet.may_lose = False  # what is older than what a host holds shows by itself that writes were lost
    one, two = await fleet.two_hosts()
    await fleet.store.take_snapshot(fleet.name)
    await fleet.go_on(one, two)
    one.send(signal.SIGSTOP)
    await two.goes_on()
    await fleet.store.roll_back(fleet.name)
    two.send(signal.SIGSTOP)
    await asyncio.sleep(LIFETIME)
    one.send(signal.SIGCONT)
    await asyncio.sleep(LEASE)
    two.send(signal.SIGCONT)
    await fleet.go_on(one, two)


async def the_store_is_killed(fleet: Fleet) -> None:
    """The store is killed, and starts again."""
    hosts = await fleet.two_hosts()
    await _killed_and_started(fleet)
    await fleet.go_on(*hosts)


async def the_store_is_killed_in_mid_renewal(fleet: Fleet) -> None:
    """The store is killed while a refresh token is being spent, and starts again."""
    hosts = await fleet.two_hosts()

    async def kill() -> None:
        await asyncio.to_thread(fleet.store.kill)

    await fleet.on_refresh(kill).wait()
    await asyncio.sleep(1.0)
    await asyncio.to_thread(fleet.store.start)
    await fleet.go_on(*hosts)


async def _killed_and_started(fleet: Fleet) -> None:
    await asyncio.to_thread(fleet.store.kill)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(fleet.store.start)


async def the_store_stands_still(fleet: Fleet) -> None:
    """The store stands still for four seconds when an answer is to be saved."""
    hosts = await fleet.two_hosts()

    async def stand_still() -> None:
        stack.enter_context(fleet.store.stopped())

    with ExitStack() as stack:
        await fleet.on_refresh(stand_still).wait()
        await asyncio.sleep(PAUSE)
    await fleet.go_on(*hosts)


TO_THE_SERVER: tuple[Scenario, ...] = (
    the_store_is_killed,
    the_store_is_killed_in_mid_renewal,
    the_store_stands_still,
)

ALLOWED: tuple[Scenario, ...] = (
    killed_after_the_rotation,
    killed_before_it_saves,
    stopped_with_the_answer_in_its_socket_for_long,
    stopped_before_it_saves_for_long,
    cut_off_before_it_saves_for_long,
)
"""What costs the session on a strict server: a host that is out of order from the rotation to the end of patience."""

SCENARIOS: tuple[Scenario, ...] = (
    killed_when_it_holds_the_lease,
    killed_before_it_sends,
    killed_before_the_rotation,
    killed_after_the_rotation,
    killed_before_it_saves,
    killed_after_it_saved,
    stopped_before_its_mark,
    stopped_before_it_sends,
    stopped_with_the_answer_in_its_socket,
    stopped_with_the_answer_in_its_socket_for_long,
    stopped_before_it_saves,
    stopped_before_it_saves_for_long,
    stopped_after_it_saved,
    cut_off_before_it_saves,
    cut_off_before_it_saves_for_long,
    answers_are_dropped,
    all_are_cut_off,
    clocks_differ,
    the_endpoint_is_slow,
    the_store_is_emptied,
    the_store_is_emptied_in_mid_renewal,
    the_store_is_rolled_back,
    the_store_is_rolled_back_between_generations,
    *TO_THE_SERVER,
)
