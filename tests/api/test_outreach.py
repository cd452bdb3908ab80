"""Outreach over HTTP: its verbs, a campaign from its first step to the answer, and who may do what."""

from typing import Any

from growbase.domains.outreach.actions_steps import queue_step_message
from growbase.domains.outreach.models_sequences import Enrollment
from tests.api.conftest import Factory, LoginAs
from tests.fixtures import Tenant


def post(factory: Factory, path: str, body: object = None, status: int = 200) -> Any:  # noqa: ANN401 -- a JSON value
    answer = factory.client.post(f"/api/{path}", json=body, headers=factory.headers)
    assert answer.status_code == status, (path, answer.text)
    return answer.json() if answer.content else None


def get(factory: Factory, path: str) -> Any:  # noqa: ANN401 -- a JSON value
    answer = factory.client.get(f"/api/{path}", headers=factory.headers)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def a_campaign(factory: Factory, *emails: str) -> tuple[str, list[str]]:
    """Make a campaign of two steps with prospects in it and return it with them."""
    steps = [
        {"step_key": "hello", "subject": "Hello {{first_name|there}}", "content": "About {{company_name}}"},
        {"step_key": "again", "content": "Still there?", "delay_days": 3},
    ]
    sequence = post(factory, "sequences", {"name": "Three days", "steps": steps}, 201)
    campaign = post(factory, "outreach-campaigns", {"name": "Spring", "sequence_id": sequence["id"]}, 201)
    people = [post(factory, "prospects", {"email": email, "company_name": "Firm"}, 201)["id"] for email in emails]
    report = post(factory, f"outreach-campaigns/{campaign['id']}/enroll", {"prospect_ids": people})
    assert report == {"enrolled": len(people), "skipped": [], "skipped_count": 0}
    return campaign["id"], people


def queued(factory: Factory, campaign_id: str) -> list[str]:
    """Queue the first message of everybody in a campaign, as the program does, and return the messages."""

    def unit(tx: Any) -> None:  # noqa: ANN401 -- a transaction
        for row in tx.rows(Enrollment, order="id"):
            queue_step_message(tx, enrollment_id=row.id)

    factory.db.write(factory.actor, unit)
    rows = get(factory, f"messages?outreach_campaign_id={campaign_id}&sort=created_at")["data"]
    return [row["id"] for row in rows]


def test_a_campaign_runs_and_its_answers_are_counted(factory: Factory) -> None:
    campaign_id, people = a_campaign(factory, "ann@firm.example", "bob@firm.example")
    launched = post(factory, f"outreach-campaigns/{campaign_id}/launch")
    assert (launched["status"], launched["started_at"] is not None) == ("active", True)
    first, second = queued(factory, campaign_id)
    assert get(factory, f"messages/{first}")["subject"] == "Hello there"
    event = {"type": "delivered", "provider": "smtp", "provider_event_id": "1"}
    refused = factory.client.post(f"/api/messages/{first}/resolve", json={"outcome": "sent"}, headers=factory.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert post(factory, f"messages/{first}/events", event, 201) == {"recorded": True}
    assert post(factory, f"messages/{first}/events", event, 201) == {"recorded": False}
    assert post(factory, f"messages/{second}/cancel")["status"] == "cancelled"
    post(factory, f"prospects/{people[0]}/opt-out", {"reason": "reply"})
    rows = get(factory, f"enrollments?outreach_campaign_id={campaign_id}&expand=prospect&sort=created_at")["data"]
    assert {row["prospect"]["email"]: row["status"] for row in rows} == {
        "ann@firm.example": "unsubscribed",
        "bob@firm.example": "active",
    }
    assert get(factory, f"outreach-campaigns/{campaign_id}?counts=enrollments,messages")["counts"] == {
        "enrollments": 2,
        "messages": 2,
    }
    assert get(factory, f"prospects/{people[0]}?counts=messages,activities")["counts"]["messages"] == 1
    paused = post(factory, f"outreach-campaigns/{campaign_id}/pause")
    assert (paused["status"], post(factory, f"outreach-campaigns/{campaign_id}/resume")["status"]) == (
        "paused",
        "active",
    )
    assert post(factory, f"outreach-campaigns/{campaign_id}/complete")["status"] == "completed"
    copy = post(factory, f"outreach-campaigns/{campaign_id}/duplicate", {}, 201)
    assert (copy["name"], copy["status"]) == ("Spring (copy 1)", "draft")


def test_a_duplicate_names_the_row_that_is_there(factory: Factory) -> None:
    first = factory.create("prospects", email="ann@firm.example")
    body = {"email": "Ann@Firm.example", "company_name": "Firm"}
    answer = factory.client.post("/api/prospects", json=body, headers=factory.headers)
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["blocked_by"]) == ("unique", first["id"])


def test_stages_move_by_transition_and_leave_activities(factory: Factory) -> None:
    prospect = factory.create("prospects")
    moved = post(factory, f"prospects/{prospect['id']}/transition", {"to": "meeting"})
    assert moved["stage"] == "meeting"
    [trace] = get(factory, f"activities?prospect_id={prospect['id']}&type=stage_change")["data"]
    assert trace["metadata"] == {"from": "new", "to": "meeting"}
    answer = factory.client.post(
        f"/api/prospects/{prospect['id']}/transition", json={"to": "new"}, headers=factory.headers
    )
    assert (answer.status_code, answer.json()["allowed"]) == (409, ["lost", "negotiation", "won"])


def test_only_an_administrator_lifts_a_suppression_and_says_why(
    factory: Factory, tenant: Tenant, login_as: LoginAs
) -> None:
    prospect = factory.create("prospects", email="ann@firm.example")
    assert post(factory, f"prospects/{prospect['id']}/opt-out", {})["opt_out_reason"] == "manual"
    [row] = get(factory, "suppressions")["data"]
    assert (row["address"], row["scope"], row["channel"]) == ("ann@firm.example", "address", "email")
    assert "address_hash" not in row
    path, body = f"/api/suppressions/{row['id']}/lift", {"reason": "She wrote to us"}
    member = login_as(tenant.member)
    assert factory.client.post(path, json=body, headers=member).status_code == 403
    assert factory.client.post(path, json={"reason": ""}, headers=factory.headers).status_code == 422
    assert post(factory, f"suppressions/{row['id']}/lift", body)["lift_reason"] == "She wrote to us"
    assert get(factory, f"prospects/{prospect['id']}")["opted_out_at"] is None
    answer = factory.client.post(
        "/api/messages", json={"prospect_id": prospect["id"], "content": "Hi"}, headers=factory.headers
    )
    assert answer.status_code == 201


def test_who_has_opted_out_is_not_written_to(factory: Factory) -> None:
    prospect = factory.create("prospects", email="ann@firm.example")
    post(factory, f"prospects/{prospect['id']}/opt-out", {"reason": "legal"})
    body = {"prospect_id": prospect["id"], "content": "Hi"}
    answer = factory.client.post("/api/messages", json=body, headers=factory.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "suppressed")


def test_a_score_is_a_job_and_prospects_are_merged(factory: Factory) -> None:
    first, second = factory.create("prospects"), factory.create("prospects")
    assert set(post(factory, f"prospects/{first['id']}/score", None, 202)) == {"job_id"}
    post(factory, "prospect-scores", {"prospect_id": first["id"], "score": 70, "breakdown": {"need": 80}}, 201)
    assert get(factory, f"prospects/{first['id']}")["score"] == 70
    assert post(factory, f"prospects/{first['id']}/merge", {"into_id": second["id"]})["id"] == second["id"]
    gone = get(factory, f"prospects/{first['id']}?trash=include")
    assert gone["merged_into_id"] == second["id"]


def test_steps_are_set_moved_and_revised(factory: Factory) -> None:
    sequence = factory.create("sequences", steps=[])
    drafts = [{"step_key": key, "content": key} for key in ("a", "b", "c")]
    post(factory, f"sequences/{sequence['id']}/steps", {"steps": drafts})
    steps = get(factory, f"sequence-steps?sequence_id={sequence['id']}")["data"]
    assert [(step["step_number"], step["step_key"]) for step in steps] == [(1, "a"), (2, "b"), (3, "c")]
    assert post(factory, f"sequence-steps/{steps[2]['id']}/move", {"step_number": 1})["step_number"] == 1
    assert post(factory, f"sequence-steps/{steps[0]['id']}/revise", {"content": "A"})["content"] == "A"
    wrong = {"steps": [{"step_key": "a", "content": "{{nobody}}"}]}
    answer = factory.client.post(f"/api/sequences/{sequence['id']}/steps", json=wrong, headers=factory.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "steps.0.content")


def test_an_enrolment_names_people_or_a_profile(factory: Factory) -> None:
    campaign_id = factory.create("outreach-campaigns")["id"]
    for body in ({}, {"prospect_ids": [], "icp_id": None}, {"prospect_ids": ["x"]}):
        answer = factory.client.post(
            f"/api/outreach-campaigns/{campaign_id}/enroll", json=body, headers=factory.headers
        )
        assert answer.status_code == 422, body


def test_insights_are_brought_up_to_date_read_and_put_away(factory: Factory) -> None:
    body = {"type": "alert", "title": "Replies fell", "description": "By half.", "dedupe_key": "replies"}
    first = post(factory, "ai-insights", body, 201)
    again = post(factory, "ai-insights", {**body, "title": "Replies fell again", "priority": "high"}, 201)
    assert (again["id"], again["title"], again["priority"]) == (first["id"], "Replies fell again", "high")
    read = post(factory, f"ai-insights/{first['id']}/read")
    assert (read["status"], read["read_at"] is not None) == ("read", True)
    assert post(factory, f"ai-insights/{first['id']}/dismiss")["status"] == "dismissed"
    assert post(factory, "ai-insights", {**body, "title": "Once more"}, 201)["title"] == "Replies fell again"
    assert post(factory, f"ai-insights/{first['id']}/read")["status"] == "dismissed"


def test_an_activity_is_not_completed_in_the_future(factory: Factory) -> None:
    prospect = factory.create("prospects")
    body = {"prospect_id": prospect["id"], "type": "call", "title": "Call", "completed_at": "2999-01-01T00:00:00Z"}
    answer = factory.client.post("/api/activities", json=body, headers=factory.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "completed_at")
    made = post(factory, "activities", {**body, "completed_at": None}, 201)
    refused = factory.client.patch(
        f"/api/activities/{made['id']}", json={"completed_at": body["completed_at"]}, headers=factory.headers
    )
    assert refused.status_code == 422
    assert post(factory, f"activities/{made['id']}/complete")["completed_at"] is not None


def test_a_claim_is_nothing_a_caller_sees(factory: Factory) -> None:
    message = factory.create("messages")
    assert {"claim_token", "recipient_hash"}.isdisjoint(message)
