"""Nodes compiled to the canonical steps, settings and paused steps that every workflow runs on. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drippulse.workflows.conditions import Condition
from drippulse.workflows.nodes.layout import TRIGGER_ID, placed, step_id
from drippulse.workflows.nodes.models import (
    AbTestNode,
    BranchNode,
    Definition,
    DelayNode,
    ExitNode,
    GotoNode,
    Node,
    ResponseRule,
    SendEmailNode,
    Sending,
    SendWebhookNode,
    Trigger,
    TriggerType,
    WaitForEventNode,
)
from drippulse.workflows.nodes.reading import absorbed_by

Json: TypeAlias = dict[str, Any]
FREQUENCY = {
    TriggerType.MANUAL: "manual",
    TriggerType.API: "manual",
    TriggerType.EVENT: "event",
    TriggerType.SCHEDULED: "cron",
}
END = "end_of_nodes"


@dataclass(frozen=True, slots=True)
class Compiled:
    """`paused_steps` are the steps of the paused nodes."""

    steps: list[Json]
    settings: Json
    paused_steps: list[str]


def compile_nodes(definition: Definition) -> Compiled:
    """The steps keep the ids of their nodes. Where a node goes on elsewhere than to the next step in order a `goto` or
    `exit` step stands behind it, whose id begins with `~`; the variants of an A/B test are mails of their own."""
    if not definition.nodes:
        return Compiled([], _settings(definition), [])
    builder = _Builder(definition)
    builder.add(TRIGGER_ID, "trigger", "Trigger", _trigger(definition.trigger))
    builder.nodes(placed(definition))
    paused = set(definition.paused_node_ids)
    paused_steps = [step["id"] for step, owner in zip(builder.steps, builder.owners, strict=True) if owner in paused]
    return Compiled(builder.steps, _settings(definition), paused_steps)


@dataclass(slots=True)
class _Builder:
    definition: Definition
    steps: list[Json] = field(default_factory=list[Json])
    owners: list[str] = field(default_factory=list[str])

    def add(self, new_id: str, kind: str, name: str, config: Mapping[str, Any], owner: str = "") -> None:
        given = {key: value for key, value in config.items() if value is not None}
        self.steps.append({"id": new_id, "type": kind, "name": name, "position": len(self.steps), "config": given})
        self.owners.append(owner)

    def nodes(self, order: list[Node]) -> None:
        by_id = {node.id: node for node in order}
        absorbed = set[str]()
        for place, node in enumerate(order):
            if node.id in absorbed:
                continue
            mail = absorbed_by(node, by_id)
            if mail is not None:
                absorbed.add(mail.id)
            rest = [other for other in order[place + 1 :] if other.id not in absorbed]
            self._node(node, mail, rest[0].id if rest else None)

    def _node(self, node: Node, mail: SendEmailNode | None, following: str | None) -> None:
        """`following` is the node whose steps come next in order; None at the end."""
        if isinstance(node, AbTestNode) and node.chooses_templates:
            self._variants(node, mail, following)
            return
        kind, config = self._own_step(node)
        self.add(node.id, kind, node.name or node.id, config, node.id)
        if not _always_jumps(node):
            self._go_on(
                node, node.fallback_next_node_id if isinstance(node, GotoNode) else node.next_node_id, following
            )

    def _go_on(self, node: Node, target: str | None, following: str | None, number: int | None = None) -> None:
        if target is None:
            if following is not None or number is not None:
                self.add(step_id("exit", node.id, number), "exit", node.name or node.id, {"reason": END}, node.id)
        elif target != following or number is not None:
            self.add(step_id("goto", node.id, number), "goto", node.name or node.id, {"step": target}, node.id)

    def _variants(self, node: AbTestNode, mail: SendEmailNode | None, following: str | None) -> None:
        owner: SendEmailNode | AbTestNode = mail or node
        variants = [
            {"id": variant.id, "weight": variant.weight, "goto": step_id("mail", owner.id, number)}
            for number, variant in enumerate(node.variants)
        ]
        self.add(node.id, "ab_test", node.name or node.id, {"variants": variants}, node.id)
        for number, variant in enumerate(node.variants):
            config = {"template_id": variant.template_id, **_sending(owner, self.definition)}
            self.add(step_id("mail", owner.id, number), "email", owner.name or owner.id, config, owner.id)
            last = number + 1 == len(node.variants)
            self._go_on(owner, owner.next_node_id, following, None if last else number)

    def _own_step(self, node: Node) -> tuple[str, Json]:
        return _STEPS[type(node)](node, self.definition)


def _always_jumps(node: Node) -> bool:
    """Whether the node's own step never goes on to the next one in order."""
    if isinstance(node, BranchNode):
        return node.next_node_id is not None
    if isinstance(node, AbTestNode):
        return all(variant.next_node_id is not None for variant in node.variants)
    return isinstance(node, ExitNode) or (isinstance(node, GotoNode) and node.max_visits is None)


def _trigger(trigger: Trigger) -> Json:
    return {"frequency": FREQUENCY[trigger.type], "event": trigger.event_type, "cron": trigger.cron}


def _settings(definition: Definition) -> Json:
    """A contact is in a workflow once at a time."""
    criteria = [{"trigger": rule.trigger} for rule in definition.exit_criteria]
    settings: Json = {"re_entry": {"mode": "after_exit"}}
    return {**settings, "exit_criteria": criteria} if criteria else settings


def _delay(node: DelayNode, _: Definition) -> tuple[str, Json]:
    amount = node.delay_amount if node.delay_amount is not None else node.delay_minutes
    config = {"duration": amount, "unit": node.delay_unit or "minutes"}
    return "wait", {**config, **_set(node, "jitter_minutes", "business_days_only")}


def _email(node: SendEmailNode, definition: Definition) -> tuple[str, Json]:
    texts = {"template_id": node.template_id, "subject": node.subject, "body": node.body, "html": node.html}
    return "email", {**texts, **_sending(node, definition)}


def _sending(node: Sending, definition: Definition) -> Json:
    senders = node.inbox_ids if node.inbox_ids else [node.inbox_id] if node.inbox_id is not None else []
    window = node.send_window
    return {
        "from": senders[0] if len(senders) == 1 else None,
        "senders": senders if len(senders) > 1 else None,
        "send_window": None
        if window is None
        else {"timezone": window.timezone, **window.model_dump(exclude_unset=True)},
        "opt_out": definition.opt_out_mode.value,
    }


def _webhook(node: SendWebhookNode, _: Definition) -> tuple[str, Json]:
    branches = [_response_branch(rule) for rule in node.webhook_response_branches]
    return "webhook_callback", {
        "url": node.webhook_url,
        "body": node.webhook_body,
        "headers": {"authorization": node.webhook_auth_header} if node.webhook_auth_header is not None else None,
        "response_branches": branches or None,
    }


def _response_branch(rule: ResponseRule) -> Json:
    test = {"status": str(rule.status)} if rule.condition is None else _condition(rule.condition)
    return {**test, "goto": rule.next_node_id}


def _condition(condition: Condition) -> Json:
    return condition.model_dump(mode="json", exclude_unset=True)


def _wait_for_event(node: WaitForEventNode, _: Definition) -> tuple[str, Json]:
    timeout = {"duration": node.timeout_amount, "unit": node.timeout_unit} if node.timeout_amount is not None else None
    config: Json = {"event": node.event_type, "timeout": timeout, "on_timeout": node.timeout_next_node_id}
    if node.conditions:
        config |= {"match": node.match, "conditions": [_condition(condition) for condition in node.conditions]}
    return "wait_for_event", config


def _branch(node: BranchNode, _: Definition) -> tuple[str, Json]:
    branches = [
        {
            "match": rule.match,
            "conditions": [_condition(one) for one in ([rule.condition] if rule.condition else rule.conditions)],
            "goto": rule.next_node_id,
        }
        for rule in node.branches
    ]
    return "branch", {"branches": branches, "default_goto": node.next_node_id}


def _exit(node: ExitNode, _: Definition) -> tuple[str, Json]:
    return "exit", {"reason": node.reason}


def _goto(node: GotoNode, _: Definition) -> tuple[str, Json]:
    return "goto", {"step": node.next_node_id, "max_visits": node.max_visits}


def _ab_test(node: AbTestNode, _: Definition) -> tuple[str, Json]:
    variants = [{"id": variant.id, "weight": variant.weight, "goto": variant.next_node_id} for variant in node.variants]
    return "ab_test", {"variants": [{k: v for k, v in one.items() if v is not None} for one in variants]}


def _set(node: Node, *names: str) -> Json:
    """Those of the fields that say something."""
    return {name: value for name in names if (value := getattr(node, name))}


_STEPS: dict[type[Node], Callable[[Any, Definition], tuple[str, Json]]] = {
    DelayNode: _delay,
    SendEmailNode: _email,
    SendWebhookNode: _webhook,
    WaitForEventNode: _wait_for_event,
    BranchNode: _branch,
    ExitNode: _exit,
    GotoNode: _goto,
    AbTestNode: _ab_test,
}
