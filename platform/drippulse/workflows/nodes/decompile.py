"""Canonical steps shown as nodes: what `compile_nodes` made becomes what it was made from. Pure.

A step that no node can say (a filter, or a mail with a reply address) is shown as a node of its own step type with its
`config`; such a workflow is changed through its steps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from drippulse.workflows.nodes.layout import is_shown, kind_of, owner_of

Json: TypeAlias = dict[str, Any]
TRIGGERS = {"manual": "manual", "event": "event", "cron": "scheduled"}
WINDOW = {"start": "start", "end": "end", "timezone": "timezone", "business_days_only": "businessDaysOnly"}
UNITS = frozenset({"minutes", "hours", "days"})
EXITS = frozenset({"reply", "bounce", "unsubscribe"})


def decompile(steps: list[Json], settings: Mapping[str, Any], paused_steps: list[str]) -> Json:
    """{nodes, startNodeId, trigger, eventType, cron, exitCriteria, optOutMode, pausedNodeIds}, as JSON."""
    reader = _Reader(steps)
    nodes = reader.nodes()
    trigger = next((step["config"] for step in steps[:1] if step["type"] == "trigger"), dict[str, Any]())
    criteria: list[Json] = settings.get("exit_criteria", [])
    opt_out = [step["config"]["opt_out"] for step in steps if step["type"] == "email" and "opt_out" in step["config"]]
    paused = dict.fromkeys(owner for step in paused_steps if (owner := owner_of(step)) is not None)
    return {
        "nodes": nodes,
        "startNodeId": nodes[0]["id"] if nodes else None,
        "trigger": TRIGGERS.get(trigger.get("frequency", "manual"), "scheduled"),
        "eventType": trigger.get("event"),
        "cron": trigger.get("cron"),
        "exitCriteria": [{"trigger": one["trigger"]} for one in criteria if one["trigger"] in EXITS],
        "optOutMode": opt_out[0] if opt_out else "link",
        "pausedNodeIds": list(paused),
    }


@dataclass(slots=True)
class _Reader:
    steps: list[Json]

    def nodes(self) -> list[Json]:
        nodes: list[Json] = []
        for place, step in enumerate(self.steps):
            is_trigger = step["type"] == "trigger" and place == 0
            if is_trigger or not (is_shown(step["id"]) and kind_of(step["id"]) is None):
                continue
            nodes += self._node(place, step)
        return nodes

    def _node(self, place: int, step: Json) -> list[Json]:
        mails = self._mails(place)
        if mails:
            return self._test_of_mails(step, mails)
        shown = _SHAPES[step["type"]](step["config"]) if step["type"] in _SHAPES else None
        if shown is None:
            shown = {"type": step["type"], "config": step["config"]}
        node: Json = {"id": step["id"], **_named(step), **shown}
        following = self._resolve(place + 1)
        if step["type"] == "goto":
            if step["config"].get("max_visits") is not None and following is not None:
                node["fallbackNextNodeId"] = following
        elif "nextNodeId" not in node and step["type"] != "exit" and following is not None:
            node["nextNodeId"] = following
        return [node]

    def _mails(self, place: int) -> list[int]:
        """The places of the mails that an A/B test chooses from."""
        if self.steps[place]["type"] != "ab_test":
            return []
        targets = {variant.get("goto") for variant in self.steps[place]["config"]["variants"]}
        return [at for at, step in enumerate(self.steps) if step["id"] in targets and kind_of(step["id"]) == "mail"]

    def _test_of_mails(self, step: Json, mails: list[int]) -> list[Json]:
        common = self._resolve(mails[-1] + 1)
        variants = [
            {
                "id": variant["id"],
                "weight": variant.get("weight", 1),
                "templateId": self.steps[place]["config"]["template_id"],
            }
            for variant, place in zip(step["config"]["variants"], mails, strict=True)
        ]
        first = self.steps[mails[0]]
        sending, owner = _sending(first["config"]), owner_of(first["id"]) or ""
        onward = {"nextNodeId": common} if common is not None else {}
        node: Json = {"id": step["id"], "type": "ab_test", **_named(step), "variants": variants}
        if owner == step["id"]:
            return [{**node, **sending, **onward}]
        mail = {"id": owner, "type": "send_email", **_named({**first, "id": owner}), **sending, **onward}
        return [{**node, "nextNodeId": owner}, mail]

    def _resolve(self, place: int) -> str | None:
        """The node that a run comes to when it goes on at this place."""
        if place >= len(self.steps):
            return None
        step = self.steps[place]
        kind = kind_of(step["id"])
        if kind == "goto":
            return str(step["config"]["step"])
        return None if kind == "exit" else owner_of(step["id"])


def _named(step: Json) -> Json:
    return {"name": step["name"]} if step["name"] not in (step["id"], step["type"]) else {}


def _wait(config: Json) -> Json | None:
    if config["unit"] not in UNITS:
        return None
    more = {"jitterMinutes": config.get("jitter_minutes"), "businessDaysOnly": config.get("business_days_only")}
    shown = {name: value for name, value in more.items() if value}
    return {"type": "delay", "delayAmount": config["duration"], "delayUnit": config["unit"], **shown}


def _email(config: Json) -> Json | None:
    known = {"template_id", "template", "subject", "body", "html", "from", "senders", "send_window", "opt_out"}
    if set(config) - known:
        return None
    names = {"template_id": "templateId", "subject": "subject", "body": "body", "html": "html"}
    texts = {shown: config[name] for name, shown in names.items() if config.get(name) is not None}
    return {"type": "send_email", **texts, **_sending(config)}


def _sending(config: Json) -> Json:
    shown: Json = {}
    if config.get("from") is not None:
        shown["inboxId"] = config["from"]
    if config.get("senders"):
        shown["inboxIds"] = config["senders"]
    if config.get("send_window") is not None:
        shown["sendWindow"] = {WINDOW[name]: value for name, value in config["send_window"].items()}
    return shown


def _webhook(config: Json) -> Json | None:
    headers: Json = config.get("headers") or {}
    if set(config) - {"url", "body", "headers", "response_branches"} or set(headers) - {"authorization"}:
        return None
    node: Json = {"type": "send_webhook", "webhookUrl": config["url"]}
    if config.get("body") is not None:
        node["webhookBody"] = config["body"]
    if headers:
        node["webhookAuthHeader"] = headers["authorization"]
    if config.get("response_branches"):
        node["webhookResponseBranches"] = [_response_rule(branch) for branch in config["response_branches"]]
    return node


def _response_rule(branch: Json) -> Json:
    condition = {name: branch[name] for name in ("field", "operator", "value") if name in branch}
    test: Json = {"status": branch["status"]} if branch.get("status") is not None else {"condition": condition}
    return {**test, "nextNodeId": branch["goto"]}


def _wait_for_event(config: Json) -> Json | None:
    if set(config) - {"event", "timeout", "on_timeout", "match", "conditions"}:
        return None
    timeout: Json | None = config.get("timeout")
    node: Json = {"type": "wait_for_event", "eventType": config["event"]}
    if config.get("conditions"):
        node |= {"match": config.get("match", "all"), "conditions": config["conditions"]}
    if timeout is not None:
        if timeout["unit"] not in UNITS:
            return None
        node |= {"timeoutAmount": timeout["duration"], "timeoutUnit": timeout["unit"]}
    if config.get("on_timeout") is not None:
        node["timeoutNextNodeId"] = config["on_timeout"]
    return node


def _branch(config: Json) -> Json:
    rules = [
        {"match": option.get("match", "all"), "conditions": option["conditions"], "nextNodeId": option["goto"]}
        if len(option["conditions"]) > 1 or option.get("match", "all") != "all"
        else {"condition": option["conditions"][0], "nextNodeId": option["goto"]}
        for option in config["branches"]
    ]
    onward = {"nextNodeId": config["default_goto"]} if config.get("default_goto") is not None else {}
    return {"type": "branch", "branches": rules, **onward}


def _exit(config: Json) -> Json:
    return {"type": "exit", "reason": config.get("reason", "exit")}


def _goto(config: Json) -> Json:
    bounded = {"maxVisits": config["max_visits"]} if config.get("max_visits") is not None else {}
    return {"type": "goto", "nextNodeId": config["step"], **bounded}


def _ab_test(config: Json) -> Json:
    variants = [
        {
            "id": variant["id"],
            "weight": variant.get("weight", 1),
            **({"nextNodeId": variant["goto"]} if variant.get("goto") is not None else {}),
        }
        for variant in config["variants"]
    ]
    return {"type": "ab_test", "variants": variants}


_SHAPES: dict[str, Callable[[Json], Json | None]] = {
    "wait": _wait,
    "email": _email,
    "webhook_callback": _webhook,
    "wait_for_event": _wait_for_event,
    "branch": _branch,
    "exit": _exit,
    "goto": _goto,
    "ab_test": _ab_test,
}
