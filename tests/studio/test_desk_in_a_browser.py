"""Working together in Chromium: boards with cards to drag, talk, the inbox with two people in it, saved views."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from growbase.domains.identity.demo import DEMO_EMAIL
from tests.studio.conftest import Say, Studio

Check = Callable[[Page], None]


def of(studio: Studio, path: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = studio.api("GET", path, None)["data"]  # type: ignore[assignment]
    return found


def test_a_card_is_dragged_to_an_allowed_state_and_to_no_other(
    studio: Studio, check: Check, language: str, say: Say
) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/contents")
    page.click(f".looks >> text={say('Board')}")
    page.wait_for_url("**/contents/board")
    check(page)
    card = page.locator("[data-lane=draft] [data-card]").first
    title = card.locator("a").first.inner_text()
    # Past its own state there is no way but review.
    card.drag_to(page.locator("[data-lane=published]"))
    expect(page.locator("[data-lane=draft] [data-card]").first).to_contain_text(title)
    box, into = card.bounding_box(), page.locator("[data-lane=review]").bounding_box()
    assert box is not None
    assert into is not None
    page.mouse.move(box["x"] + 40, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(into["x"] + 40, into["y"] + 80, steps=4)
    page.mouse.move(into["x"] + 50, into["y"] + 90, steps=4)
    expect(page.locator("[data-lane=review]")).to_have_class("lane open over")
    expect(page.locator("[data-lane=published]")).to_have_class("lane shut")
    page.mouse.up()
    expect(page.locator(".note")).to_contain_text(say("Review"))
    expect(page.locator("[data-lane=review]")).to_contain_text(title)
    assert page.url.endswith("/contents/board")
    # The same by the keyboard.
    moves = page.locator("[data-lane=review] [data-card]", has_text=title).locator("summary")
    moves.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-lane=approved]")).to_contain_text(title)
    context.close()


def test_people_talk_and_are_told(studio: Studio, check: Check, language: str, say: Say) -> None:
    mine, theirs = studio.open(language), studio.open(language)
    me, them = studio.sign_in(mine), studio.sign_in(theirs, DEMO_EMAIL)
    content = of(studio, "/api/contents?limit=2&sort=created_at")[language == "fr-FR"]
    them.goto("/studio/notifications")
    if (button := them.locator(f"button:text-is('{say('Mark all as read')}')")).count():
        button.click()
        expect(button).to_have_count(0)
    me.goto(f"/studio/contents/{content['id']}")
    me.click(f".tabs >> text={say('Discussion')}")
    me.click(f"summary:text('{say('Mention')}')")
    me.click("[data-mention='Demo User']")
    expect(me.locator("#say-text")).to_have_value("@Demo User ")
    me.locator("#say-text").press_sequentially("is this right?")
    me.click("button[data-key=s]")
    expect(me.locator(".said-one")).to_contain_text("@Demo User is this right?")
    me.select_option("#reviewer", label="Demo User")
    me.click(f"button:text-is('{say('Ask')}')")
    expect(me.locator(".review")).to_contain_text(say("Requested"))
    check(me)
    them.goto("/studio")
    expect(them.locator("#bell")).to_have_attribute("aria-label", re.compile(r"\(2\)"))
    them.click("#bell")
    them.wait_for_url("**/notifications")
    check(them)
    them.locator(".told-one", has_text="asks you for a review").first.click()
    them.wait_for_url("**?tab=discussion")
    expect(them.locator("#bell")).to_have_attribute("aria-label", re.compile(r"\(1\)"))
    them.goto("/studio/reviews")
    check(them)
    them.click("[data-open]")
    them.click(f"button:text-is('{say('It is fine')}')")
    expect(them.locator(".review")).to_contain_text(say("Approved"))
    mine.close()
    theirs.close()


def test_two_people_answer_one_ticket(studio: Studio, check: Check, language: str, say: Say) -> None:
    studio.api(
        "POST",
        "/api/canned-replies",
        {"name": f"On its way {language}", "shortcut": f"way{language[:2]}", "body": "On its way, {{customer_name}}."},
    )
    ticket = of(studio, "/api/tickets?status=open&waiting_since=not.is.null&limit=1")[0]
    mine, theirs = studio.open(language), studio.open(language)
    me, them = studio.sign_in(mine), studio.sign_in(theirs, DEMO_EMAIL)
    me.goto("/studio/inbox")
    check(me)
    me.click(f".waiting a[href*='{ticket['id']}']")
    me.wait_for_url("**/inbox/tickets/*")
    check(me)
    them.goto(f"/studio/inbox/tickets/{ticket['id']}")
    with me.expect_response("**/writing"):
        me.locator("#reply-text").press_sequentially(f"/way{language[:2]}")
    me.keyboard.press(" ")
    expect(me.locator("#reply-text")).to_have_value(f"On its way, {ticket['customer_name']}.")
    them.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(them.locator("[data-writers]")).to_contain_text(say("{name} is writing", name="Demo Admin") + " (")
    them.reload()
    expect(them.locator("[data-writers]")).to_contain_text(say("{name} is writing", name="Demo Admin"))
    check(them)
    them.click(f"text={say('Take over')}")
    expect(them.locator("#reply-text")).not_to_have_value("")
    them.locator("#reply-text").press("End")
    them.locator("#reply-text").press_sequentially(" Sorry.")
    me.click(f"button:text-is('{say('Send')}')")
    expect(me.locator(".note")).to_contain_text(say("Sent."))
    them.click(f"button:text-is('{say('Send')}')")
    expect(them.locator(".problem")).to_contain_text(say("Somebody else has written meanwhile."))
    expect(them.locator(".fresh")).to_contain_text("On its way")
    assert them.locator("#reply-text").input_value().endswith("Sorry.")
    check(them)
    them.click(f"button:text-is('{say('Send anyway')}')")
    expect(them.locator(".note")).to_contain_text(say("Sent."))
    sent = of(studio, f"/api/ticket-messages?ticket_id={ticket['id']}&author_type=staff&is_internal_note=false")
    assert len(sent) == 2
    mine.close()
    theirs.close()


def test_a_view_is_saved_and_stays(studio: Studio, check: Check, language: str, say: Say) -> None:
    context = studio.open(language)
    page = studio.sign_in(context)
    page.goto("/studio/tickets?assignee_user_id=$me&created_at=gte.$now-7d")
    expect(page.locator(".chips")).to_contain_text(say("Me"))
    page.click(f"summary:text-is('{say('Save this view')}')")
    page.fill("#view-name", "My tickets")
    page.click(f".looks button:text-is('{say('Save')}')")
    expect(page.locator(".looks-views [aria-current]")).to_have_text("My tickets")
    check(page)
    page.click(f".looks >> text={say('Board')}")
    page.wait_for_url("**/tickets/board?view=*")
    expect(page.locator(".looks-views [aria-current]")).to_have_text("My tickets")
    page.click(f"summary[aria-label='{say('More about this view')}']")
    page.click(f"button:text-is('{say('Open the list with it')}')")
    expect(page.locator(".note")).to_contain_text(say("The list opens with this view now."))
    page.goto("/studio/tickets")
    page.wait_for_url("**/tickets?view=*")
    page.click(f"summary[aria-label='{say('More about this view')}']")
    check(page)
    page.click(f"button:text-is('{say('Remove the view')}')")
    expect(page.locator(".note")).to_contain_text(say("The view is removed."))
    page.goto("/studio/tickets")
    assert page.url.endswith("/studio/tickets")
    context.close()


def test_all_of_it_in_french_in_the_dark_and_on_a_phone(studio: Studio, check: Check) -> None:
    content = of(studio, "/api/contents?limit=1")[0]
    ticket = of(studio, "/api/tickets?status=pending&limit=1")[0]
    context = studio.open("fr-FR", width=390, dark=True)
    page = studio.sign_in(context)
    for path in (
        *("/prospects/board", "/content-pieces/board", f"/contents/{content['id']}?tab=discussion", "/reviews"),
        *("/inbox", f"/inbox/tickets/{ticket['id']}", "/notifications", "/tickets?status=open"),
    ):
        page.goto(f"/studio{path}")
        assert page.locator("html").get_attribute("lang") == "fr"
        check(page)
    context.close()
