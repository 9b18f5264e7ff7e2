"""The sandbox's own addresses below `/-/`: clock, people, truth, faults, settings, requests."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sleepbalance.sandbox import truth
from sleepbalance.sandbox.faults import FAULTS, Faults
from sleepbalance.sandbox.gates import Handle, controlling
from sleepbalance.sandbox.ledger import Ledger
from sleepbalance.sandbox.oauth import SETTINGS, Desk
from sleepbalance.sandbox.parts import Part
from sleepbalance.sandbox.people import Person
from sleepbalance.sandbox.world import Seen, Unclear, World


class Control:
    """Answers with JSON: what is, after what was asked has been done."""

    def __init__(
        self,
        world: World,
        parts: Mapping[str, Part],
        desks: Mapping[str, Desk],
        faults: Faults,
        ledger: Ledger,
    ) -> None:
        self.world, self.parts, self.desks = world, parts, desks
        self.faults, self.ledger = faults, ledger

    def routes(self) -> list[Route]:
        found: list[tuple[str, dict[str, Handle]]] = [
            ("/-/clock", {"GET": self.clock, "POST": self.set_clock}),
            ("/-/people", {"GET": self.people}),
            ("/-/people/{id}/nights", {"GET": self.nights}),
            ("/-/people/{id}/sleeps", {"GET": self.sleeps, "POST": self.edit}),
            (
                "/-/faults",
                {"GET": self.list_faults, "POST": self.add_faults, "DELETE": self.clear_faults},
            ),
            ("/-/settings", {"GET": self.settings, "POST": self.set_settings}),
            ("/-/requests", {"GET": self.requests, "DELETE": self.clear_requests}),
            ("/-/grants", {"GET": self.grants, "DELETE": self.revoke_all}),
        ]
        return [Route(path, controlling(handles), methods=list(handles)) for path, handles in found]

    # -- clock -------------------------------------------------------------------------------------

    def clock(self, request: Request, body: Any) -> Any:
        del request, body
        now = self.world.now()
        return {"now": now.isoformat().replace("+00:00", "Z"), "date": now.date().isoformat()}

    def set_clock(self, request: Request, body: Any) -> Any:
        known = {"date", "now", "days", "hours", "seconds"}
        if not isinstance(body, dict) or not body or set(body) - known:
            raise Unclear(
                'Say {"date": ...}, {"now": ...} or {"days": n, "hours": n, "seconds": n}.'
            )
        try:
            if "date" in body:
                self.world.clock.set_date(dt.date.fromisoformat(body["date"]))
            if "now" in body:
                self.world.clock.set(_instant(body["now"]))
            step = {name: body[name] for name in ("days", "hours", "seconds") if name in body}
            self.world.clock.move(dt.timedelta(**step))
        except (TypeError, ValueError, OverflowError) as error:
            raise Unclear(f"The clock cannot be set so: {error}") from None
        return self.clock(request, body)

    # -- people ------------------------------------------------------------------------------------

    def people(self, request: Request, body: Any) -> Any:
        del request, body
        return [
            {
                "id": person.id,
                "name": person.name,
                "zone": person.zone,
                "began": person.began.isoformat(),
                "makers": {part.id: part.user_id(person) for part in self.parts.values()},
            }
            for person in self.world.people.values()
        ]

    def nights(self, request: Request, body: Any) -> Any:
        del body
        low, high = (_date(request, name) for name in ("from", "to"))
        return truth.nights(self.world, self._person(request), low, high)

    def sleeps(self, request: Request, body: Any) -> Any:
        del body
        person = self._person(request)
        seen = {s.sleep.id: s for s in self.world.sleeps(person)}
        return [
            {
                **sleep,
                "makers": self._names(person, seen[sleep["id"]]),
            }
            for sleep in truth.raw_sleeps(self.world, person)
        ]

    def _names(self, person: Person, seen: Seen) -> dict[str, str]:
        return {part.id: part.sleep_id(person, seen) for part in self.parts.values()}

    def edit(self, request: Request, body: Any) -> Any:
        """`{"delete": id}`, `{"revise": id, "end": ...}` or `{"add": {...}}`."""
        person = self._person(request)
        match body:
            case {"delete": str(sleep_id)}:
                changed = self.world.delete(person, sleep_id)
            case {"revise": str(sleep_id), "end": str(end)}:
                changed = self.world.revise(person, sleep_id, _instant(end))
            case {"add": {"start": str(start), "end": str(end), **more}}:
                kind, form = more.get("kind", "night"), more.get("form", "staged")
                if kind not in ("night", "nap") or form not in ("staged", "classic", "manual"):
                    raise Unclear("kind is night or nap, form is staged, classic or manual.")
                changed = self.world.add(person, _instant(start), _instant(end), kind, form)
            case _:
                raise Unclear(
                    'Say {"delete": id}, {"revise": id, "end": instant} or '
                    '{"add": {"start": instant, "end": instant, "kind": "night"}}.'
                )
        return {"id": changed.id}

    def _person(self, request: Request) -> Person:
        return self.world.person(request.path_params["id"])

    # -- faults and settings -----------------------------------------------------------------------

    def list_faults(self, request: Request, body: Any) -> Any:
        del request, body
        return {"set": self.faults.described(), "known": FAULTS}

    def add_faults(self, request: Request, body: Any) -> Any:
        self.faults.add(body, self.parts)
        return self.list_faults(request, body)

    def clear_faults(self, request: Request, body: Any) -> Any:
        self.faults.set.clear()
        return self.list_faults(request, body)

    def settings(self, request: Request, body: Any) -> Any:
        del request, body
        return {name: desk.settings for name, desk in self.desks.items()}

    def set_settings(self, request: Request, body: Any) -> Any:
        if not isinstance(body, dict) or not all(isinstance(v, dict) for v in body.values()):
            raise Unclear('Say {"<provider>": {"<setting>": value}}.')
        for name, wanted in body.items():
            if name not in self.desks:
                raise Unclear(f"{name} is not played here. Played are: {', '.join(self.desks)}.")
            for setting, value in wanted.items():
                _check(name, setting, value, {**SETTINGS, **self.parts[name].settings})
        for name, wanted in body.items():
            self.desks[name].settings.update(wanted)
        return self.settings(request, body)

    # -- what was asked ----------------------------------------------------------------------------

    def requests(self, request: Request, body: Any) -> Any:
        del request, body
        return self.ledger.told()

    def clear_requests(self, request: Request, body: Any) -> Any:
        self.ledger.clear()
        return self.requests(request, body)

    def grants(self, request: Request, body: Any) -> Any:
        del request, body
        return [
            {
                "id": grant.id,
                "provider": name,
                "person": grant.person,
                "scopes": list(grant.scopes),
                "alive": grant.alive,
                "refreshes": grant.refreshes,
                "requests": grant.requests,
            }
            for name, desk in self.desks.items()
            for grant in desk.grants.values()
        ]

    def revoke_all(self, request: Request, body: Any) -> Any:
        """As if each person had withdrawn the consent in the maker's own settings."""
        for desk in self.desks.values():
            for grant in desk.grants.values():
                grant.alive = False
        return self.grants(request, body)


def _check(provider: str, setting: str, value: Any, defaults: Mapping[str, Any]) -> None:
    """Raises Unclear unless it is a setting, and of the kind of its default."""
    if setting not in defaults:
        raise Unclear(f"{provider} has no setting {setting}, but these: {', '.join(defaults)}.")
    default = defaults[setting]
    fits = {
        bool: isinstance(value, bool),
        int: _is_number(value),
        float: _is_number(value),
        type(None): value is None or _is_number(value),
    }.get(type(default), isinstance(value, type(default)))
    if not fits:
        told = json.dumps({provider: {setting: default}})
        raise Unclear(f"{setting} cannot be {json.dumps(value)}. As it begins: {told}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _instant(text: str) -> dt.datetime:
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise Unclear(f"{text} has no offset; write one, or a Z.")
    return instant.astimezone(dt.UTC)


def _date(request: Request, name: str) -> dt.date | None:
    text = request.query_params.get(name)
    return dt.date.fromisoformat(text) if text else None
