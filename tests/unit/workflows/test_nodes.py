"""Nodes compile to steps that mean the same, come back out as they went in, and are refused with the node named."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.nodes.compile import compile_nodes
from drippulse.workflows.nodes.decompile import decompile
from drippulse.workflows.nodes.errors import InvalidNodesError
from drippulse.workflows.nodes.layout import is_shown, owner_of
from drippulse.workflows.nodes.reading import read_definition
from drippulse.workflows.nodes.translate import translate

Json = dict[str, Any]
CONDITION = {"field": "vars.plan", "operator": "equals", "value": "pro"}


def delay(node_id: str, **fields: Any) -> Json:
    return {"id": node_id, "type": "delay", "delayAmount": 1, "delayUnit": "days", **fields}


def mail(node_id: str, **fields: Any) -> Json:
    return {"id": node_id, "type": "send_email", "subject": "Hi", "body": "Hello", **fields}


def compiled(*nodes: Json, **fields: Any) -> list[Json]:
    return compile_nodes(read_definition({"nodes": list(nodes), **fields})).steps


def refusal(*nodes: Json, **fields: Any) -> InvalidNodesError:
    with pytest.raises(InvalidNodesError) as caught:
        read_definition({"nodes": list(nodes), **fields})
    return caught.value


def outline(steps: list[Json]) -> list[tuple[str, str]]:
    return [(step["id"], step["type"]) for step in steps]


def test_a_chain_keeps_the_ids_of_its_nodes_and_needs_nothing_in_between() -> None:
    steps = compiled(delay("n1", nextNodeId="n2"), mail("n2", nextNodeId="n3"), {"id": "n3", "type": "exit"})
    assert outline(steps) == [("~trigger", "trigger"), ("n1", "wait"), ("n2", "email"), ("n3", "exit")]


def test_the_order_of_the_list_does_not_matter_for_the_way() -> None:
    steps = compiled(mail("n2"), delay("n1", nextNodeId="n2"), startNodeId="n1")
    assert [step["id"] for step in steps] == ["~trigger", "n1", "n2"]


def test_a_node_that_goes_on_elsewhere_gets_a_jump_that_nobody_sees() -> None:
    branch = {
        "id": "b",
        "type": "branch",
        "branches": [{"condition": CONDITION, "nextNodeId": "m2"}],
        "nextNodeId": "m1",
    }
    steps = compiled(branch, mail("m1", nextNodeId="end"), mail("m2", nextNodeId="end"), {"id": "end", "type": "exit"})
    assert outline(steps)[2:] == [("m1", "email"), ("end", "exit"), ("m2", "email"), ("~goto~m2", "goto")]
    assert steps[-1]["config"] == {"step": "end"}
    assert (is_shown("~goto~m2"), owner_of("~goto~m2")) == (False, "m2")
    compile_graph(steps)


def test_a_node_without_a_next_one_ends_the_run_although_steps_follow() -> None:
    branch = {
        "id": "b",
        "type": "branch",
        "branches": [{"condition": CONDITION, "nextNodeId": "m2"}],
        "nextNodeId": "m1",
    }
    steps = compiled(branch, mail("m1"), mail("m2"))
    assert outline(steps)[2:] == [("m1", "email"), ("~exit~m1", "exit"), ("m2", "email")]


def test_the_older_form_of_a_delay_counts_minutes() -> None:
    [_, wait] = compiled(
        {"id": "n1", "type": "delay", "delayMinutes": 90, "jitterMinutes": 5, "businessDaysOnly": True}
    )
    assert wait["config"] == {"duration": 90, "unit": "minutes", "jitter_minutes": 5, "business_days_only": True}


@pytest.mark.parametrize("mode", ["link", "reply", "header_only"])
def test_the_way_to_opt_out_holds_for_every_mail(mode: str) -> None:
    assert {s["config"]["opt_out"] for s in compiled(mail("a", nextNodeId="b"), mail("b"), optOutMode=mode)[1:]} == {
        mode
    }


def test_inboxes_and_hours_become_senders_and_a_window() -> None:
    hours = {"start": "09:00", "end": "17:00", "timezone": "sender", "businessDaysOnly": True}
    steps = compiled(
        mail("a", inboxId="ana@example.com", sendWindow=hours, nextNodeId="b"),
        mail("b", inboxIds=["ana@example.com", "bob@example.com"]),
    )
    window = {"start": "09:00", "end": "17:00", "timezone": "sender", "business_days_only": True}
    assert (steps[1]["config"]["from"], steps[1]["config"]["send_window"]) == ("ana@example.com", window)
    assert steps[2]["config"]["senders"] == ["ana@example.com", "bob@example.com"]
    compile_graph(steps)


def test_an_ab_test_chooses_the_template_of_the_mail_that_follows() -> None:
    variants = [{"id": "x", "templateId": "tpl_1", "weight": 1}, {"id": "y", "templateId": "tpl_2", "weight": 3}]
    ab_test = {"id": "t", "type": "ab_test", "variants": variants, "nextNodeId": "m"}
    steps = compiled(ab_test, {"id": "m", "type": "send_email", "nextNodeId": "end"}, {"id": "end", "type": "exit"})
    assert outline(steps)[1:] == [
        ("t", "ab_test"),
        ("~mail:0~m", "email"),
        ("~goto:0~m", "goto"),
        ("~mail:1~m", "email"),
        ("end", "exit"),
    ]
    assert [step["config"]["template_id"] for step in steps if step["type"] == "email"] == ["tpl_1", "tpl_2"]
    assert (is_shown("~mail:0~m"), owner_of("~mail:0~m")) == (True, "m")


def test_an_ab_test_sends_by_itself_when_no_mail_without_a_text_follows() -> None:
    variants = [{"id": "x", "templateId": "tpl_1"}, {"id": "y", "templateId": "tpl_2"}]
    steps = compiled({"id": "t", "type": "ab_test", "variants": variants, "nextNodeId": "m"}, mail("m"))
    assert [owner_of(step["id"]) for step in steps if step["type"] == "email"] == ["t", "t", "m"]


def test_paused_nodes_pause_all_of_their_steps() -> None:
    variants = [{"id": "x", "templateId": "tpl_1"}, {"id": "y", "templateId": "tpl_2"}]
    nodes = [
        {"id": "t", "type": "ab_test", "variants": variants, "nextNodeId": "m"},
        {"id": "m", "type": "send_email"},
    ]
    found = compile_nodes(read_definition({"nodes": nodes, "pausedNodeIds": ["m"]})).paused_steps
    assert {"~mail:0~m", "~mail:1~m"} <= set(found)
    assert "t" not in found


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        ({"trigger": "manual"}, {"frequency": "manual"}),
        ({"trigger": "api"}, {"frequency": "manual"}),
        ({"trigger": "event", "eventType": "lead.created"}, {"frequency": "event", "event": "lead.created"}),
        ({"trigger": {"type": "scheduled", "cron": "0 9 * * 1"}}, {"frequency": "cron", "cron": "0 9 * * 1"}),
    ],
)
def test_triggers(fields: Json, config: Json) -> None:
    assert compiled(mail("n1"), **fields)[0]["config"] == config


def test_exit_criteria_become_settings_and_a_contact_is_in_it_once() -> None:
    definition = read_definition({"nodes": [mail("n1")], "exitCriteria": [{"trigger": "reply"}]})
    assert compile_nodes(definition).settings == {
        "re_entry": {"mode": "after_exit"},
        "exit_criteria": [{"trigger": "reply"}],
    }


GOTO = {"id": "g", "type": "goto", "nextNodeId": "a"}
REFUSED: list[tuple[list[Any], Json, str, str]] = [
    ([delay("n1", nextNodeId="n9")], {}, "nodes.0.nextNodeId", '"n9", which does not exist'),
    ([delay("n1"), delay("n1")], {}, "nodes.1.id", "also the id of node 0"),
    ([delay("n1"), mail("n2")], {}, "nodes.1", '"n2" is never reached from "n1"'),
    ([{"id": "n1", "type": "dealy"}], {}, "nodes.0.type", 'Did you mean "delay"?'),
    ([delay("n1", delayAmuont=3)], {}, "nodes.0.delayAmuont", 'did you mean "delayAmount"?'),
    ([{"id": "n1", "type": "delay"}], {}, "nodes.0", "needs `delayAmount`"),
    ([{"id": "n1", "type": "send_email"}], {}, "nodes.0.templateId", "is missing"),
    ([mail("n1", inboxId="inbox_1")], {}, "nodes.0.inboxId", "an inbox is the address that sends"),
    ([delay("~n1")], {}, "nodes.0.id", "pattern"),
    ([delay("n1")], {"startNodeId": "n2"}, "startNodeId", "does not exist"),
    ([delay("n1")], {"pausedNodeIds": ["n2"]}, "pausedNodeIds.0", "does not exist"),
    ([delay("n1")], {"trigger": "event"}, "trigger", "needs `eventType`"),
    ([delay("n1")], {"trigger": 3, "cron": "x"}, "trigger", "Trigger"),
    ([delay("n1")], {"optOutMode": "none"}, "optOutMode", "link"),
    ([{"id": "g", "type": "goto"}], {}, "nodes.0.nextNodeId", "is missing"),
    (["n1"], {}, "nodes.0", "must be an object"),
]


@pytest.mark.parametrize(("nodes", "fields", "path", "text"), REFUSED, ids=[case[2] + case[3] for case in REFUSED])
def test_refusals_name_the_node_and_the_field(nodes: list[Any], fields: Json, path: str, text: str) -> None:
    error = refusal(*nodes, **fields)
    assert text in error.errors[path][0]
    assert error.message.startswith(f"{next(iter(error.errors))} ")


def test_a_mail_that_is_reached_around_its_ab_test_is_refused() -> None:
    variants = [{"id": "x", "templateId": "tpl_1"}]
    branch = {"id": "b", "type": "branch", "branches": [{"condition": CONDITION, "nextNodeId": "m"}], "nextNodeId": "t"}
    ab_test = {"id": "t", "type": "ab_test", "variants": variants, "nextNodeId": "m"}
    error = refusal(branch, ab_test, {"id": "m", "type": "send_email"})
    assert "not every way" in error.errors["nodes.2.templateId"][0]


def test_a_loop_without_a_delay_is_told_by_its_nodes() -> None:
    nodes = [mail("a", nextNodeId="b"), mail("b", nextNodeId="g"), GOTO]
    definition = read_definition({"nodes": nodes})
    steps = compile_nodes(definition).steps
    with pytest.raises(InvalidStepGraphError) as caught:
        compile_graph(steps)
    [(path, [sentence])] = translate(caught.value.errors, steps, definition).items()
    assert path.startswith("nodes.")
    assert '"a" -> "b" -> "g"' in sentence
    assert "delay" in sentence
    compile_graph(compiled(*nodes[:2], {**GOTO, "maxVisits": 3}))


def test_findings_about_a_step_are_told_at_the_nodes_field() -> None:
    definition = read_definition({"nodes": [delay("n1", delayAmount=10**7, nextNodeId="n2"), mail("n2", body="{{ x")]})
    steps = compile_nodes(definition).steps
    with pytest.raises(InvalidStepGraphError) as caught:
        compile_graph(steps)
    assert set(translate(caught.value.errors, steps, definition)) == {"nodes.0.delayAmount", "nodes.1.body"}


IDS = [f"n{number}" for number in range(8)]


@st.composite
def definitions(draw: st.DrawFn) -> Json:
    """Nodes that lead anywhere; most are runnable, some are refused."""
    count = draw(st.integers(1, len(IDS)))
    ids = IDS[:count]
    anywhere = st.sampled_from(ids)
    maybe = st.one_of(st.none(), anywhere)
    nodes = [_node(draw, node_id, anywhere, maybe, ids[place + 1 : place + 2]) for place, node_id in enumerate(ids)]
    return {
        "nodes": draw(st.permutations(nodes)),
        "startNodeId": "n0",
        "optOutMode": draw(st.sampled_from(["link", "reply"])),
        "pausedNodeIds": draw(st.lists(anywhere, max_size=2, unique=True)),
    }


def _node(
    draw: st.DrawFn,
    node_id: str,
    anywhere: st.SearchStrategy[str],
    maybe: st.SearchStrategy[str | None],
    after: list[str],
) -> Json:
    going_on = ["delay", "delay", "mail", "webhook", "branch", "ab", "ab mails", "bounded goto"]
    ending = ["exit", "goto", "bare mail"] if not after or not draw(st.integers(0, 9)) else []
    kind = draw(st.sampled_from([*going_on, *ending]))
    onward = after[0] if after and draw(st.integers(0, 15)) else draw(maybe)
    common: Json = {"id": node_id, "nextNodeId": onward}
    variants = [{"id": f"v{number}"} for number in range(draw(st.integers(1, 3)))]
    shapes: dict[str, Json] = {
        "delay": {"type": "delay", "delayAmount": draw(st.integers(1, 9)), "delayUnit": "hours"},
        "mail": {"type": "send_email", "templateId": "tpl_1", "inboxId": "ana@example.com"},
        "bare mail": {"type": "send_email"},
        "webhook": {
            "type": "send_webhook",
            "webhookUrl": "https://example.com/hook",
            "webhookResponseBranches": [{"status": "2xx", "nextNodeId": draw(anywhere)}],
        },
        "branch": {"type": "branch", "branches": [{"condition": CONDITION, "nextNodeId": draw(anywhere)}]},
        "exit": {"type": "exit", "nextNodeId": None},
        "goto": {"type": "goto", "nextNodeId": draw(anywhere)},
        "bounded goto": {"type": "goto", "nextNodeId": draw(anywhere), "maxVisits": 2, "fallbackNextNodeId": onward},
        "ab": {"type": "ab_test", "variants": [{**variant, "nextNodeId": draw(maybe)} for variant in variants]},
        "ab mails": {"type": "ab_test", "variants": [{**variant, "templateId": "tpl_2"} for variant in variants]},
    }
    return {**common, **shapes[kind]}


@given(definitions())
@settings(max_examples=400, deadline=None)
def test_what_is_decompiled_compiles_to_the_same_steps(raw: Json) -> None:
    try:
        definition = read_definition(raw)
    except InvalidNodesError:
        return
    first = compile_nodes(definition)
    again = decompile(first.steps, first.settings, first.paused_steps)
    second = compile_nodes(read_definition(again))
    assert second.steps == first.steps
    assert set(second.paused_steps) == set(first.paused_steps)


@given(definitions())
@settings(max_examples=400, deadline=None)
def test_every_definition_that_is_read_runs_or_is_refused_by_the_names_of_its_nodes(raw: Json) -> None:
    try:
        definition = read_definition(raw)
    except InvalidNodesError:
        return
    steps = compile_nodes(definition).steps
    for step in steps:
        if "template_id" in step["config"]:
            step["config"]["template"] = {"version": 1, "subject": "Hi", "body": "Hello"}
    try:
        graph = compile_graph(steps)
    except InvalidStepGraphError as error:
        for path, sentences in translate(error.errors, steps, definition).items():
            assert path.startswith("nodes."), path
            assert "cycle" in sentences[0], sentences  # everything else is found while reading
            assert "~" not in sentences[0]
        return
    assert {owner_of(node.id) for node in graph.nodes[1:]} == {node["id"] for node in raw["nodes"]}
