"""Candidates over HTTP: kept as they came, rated, selected and promoted."""

from tests.api.conftest import Client, Factory


def test_a_candidate_is_edited_rated_selected_and_promoted_once(client: Client, factory: Factory) -> None:
    campaign = factory.create("campaigns")
    row = factory.create("generated-contents", campaign_id=campaign["id"], type="social_post", text="As it came")
    path = f"/api/generated-contents/{row['id']}"
    assert len(row["prompt_hash"]) == 64

    def post(verb: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        answer = client.post(f"{path}/{verb}", json=body, headers=factory.headers)
        return answer.status_code, answer.json()

    assert client.patch(path, json={"text": "Better"}, headers=factory.headers).status_code == 422
    edited = client.patch(path, json={"user_edits": {"text": "Better"}}, headers=factory.headers)
    assert (edited.status_code, edited.json()["text"]) == (200, "As it came")
    assert post("rate", {"rating": 6})[0] == 422
    assert post("rate", {"rating": 5})[1]["user_rating"] == 5
    assert post("select", {})[1]["is_selected"] is True
    assert post("unselect", {})[1]["is_selected"] is False
    status, made = post("promote", {"to": "content"})
    assert status == 201
    content = client.get(f"/api/contents/{made['content_id']}", headers=factory.headers).json()
    assert (content["body"], content["type"], content["status"]) == ("Better", "social_post", "draft")
    status, again = post("promote", {"to": "content"})
    assert (status, str(made["content_id"]) in str(again["detail"])) == (409, True)
    assert client.delete(path, headers=factory.headers).status_code == 405
    summary = client.get(f"/api/campaigns/{campaign['id']}/analyse", headers=factory.headers)
    assert summary.status_code == 404


def test_asking_for_a_campaigns_analysis_queues_one_job(client: Client, factory: Factory) -> None:
    path = f"/api/campaigns/{factory.create('campaigns')['id']}/analyse"
    first, second = (client.post(path, headers=factory.headers) for _ in range(2))
    assert (first.status_code, first.json()) == (202, second.json())
    assert set(first.json()) == {"job_id"}


def test_rows_of_one_moment_are_all_on_some_page_of_a_view(client: Client, factory: Factory) -> None:
    """Pages of views once told such rows apart by their organization, which is the same, and lost them."""
    campaign = factory.create("campaigns")
    bodies = [factory.body("generated-contents", campaign_id=campaign["id"]) for _ in range(5)]
    made = client.post("/api/generated-contents/batch", json={"items": bodies}, headers=factory.headers).json()["data"]
    found, cursor = [], ""
    while cursor is not None:
        path = f"/api/views/content-performance?source=generated&limit=2{cursor and f'&cursor={cursor}'}"
        page = client.get(path, headers=factory.headers).json()
        found += [row["id"] for row in page["data"]]
        cursor = page["pagination"]["next_cursor"]
    assert sorted(found) == sorted(row["id"] for row in made)


def test_candidates_are_queued_within_the_plan(client: Client, factory: Factory) -> None:
    campaign = factory.create("campaigns")
    body = {"campaign_id": campaign["id"], "type": "email", "count": 2}
    path = "/api/generated-contents/generate"
    answer = client.post(path, json=body, headers=factory.headers)
    assert answer.status_code == 202, answer.text
    job = client.get(f"/api/jobs/{answer.json()['job_id']}", headers=factory.headers).json()
    assert (job["kind"], job["status"]) == ("generate_content", "queued")
    usage = client.get("/api/usage", headers=factory.headers).json()["data"]
    assert [row["reserved"] for row in usage if row["metric"] == "content_generated"] == [2]
    for wrong in ({"count": 11}, {"type": "poem"}, {"campaign_id": None}, {"colour": "red"}):
        assert client.post(path, json={**body, **wrong}, headers=factory.headers).status_code == 422
