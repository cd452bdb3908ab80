"""Every publisher against a server that speaks its platform's API and dies, stalls or refuses at the worst moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from growbase.domains.social.publisher import (
    Account,
    AccountRefused,
    Limits,
    Media,
    Post,
    PublishDeferred,
    Publisher,
    PublishRejected,
    PublishUnknown,
    length_of,
    limit_errors,
    publisher_of,
)
from growbase.domains.social.publisher_bluesky import Bluesky, facets, record_key
from growbase.domains.social.publisher_mastodon import Mastodon, words
from tests.domains.social.platforms import (
    DIES,
    STALLS,
    BlueskyServer,
    Handler,
    MastodonServer,
    Platform,
    Receiver,
    serving,
)

SERVERS: dict[str, type[Handler]] = {"mastodon": MastodonServer, "bluesky": BlueskyServer, "webhook": Receiver}
DUE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """A platform and its publisher."""

    server: Platform
    publisher: Publisher

    @property
    def account(self) -> Account:
        """An account there."""
        return Account("7", "ann", self.server.url, "token")


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with serving(SERVERS[request.param]) as server, httpx.Client(timeout=0.5) as client:
        yield Place(server, publisher_of(request.param, None, client))


def post(key: str = "k1", text: str = "Fresh <bread> & butter #baking https://example.com/a") -> Post:
    return Post(key, text, DUE, language="en")


def test_a_post_is_published_and_found(place: Place) -> None:
    published = place.publisher.publish(place.account, post())
    assert published.id
    assert len(place.server.posts) == 1
    assert place.publisher.find(place.account, post()) == published
    assert place.publisher.find(place.account, post("another", "never posted")) is None


def test_media_go_along_with_their_description(place: Place) -> None:
    image = Media(b"\x89PNG", "image/png", "A loaf", 10, 5)
    place.publisher.publish(place.account, Post("k", "Look", DUE, [image]))
    assert "media" in str(place.server.posts[0]) or "A loaf" in str(place.server.posts[0])


@pytest.mark.parametrize("fault", [DIES, f"{DIES} after", STALLS, 500, 502])
def test_what_fails_once_the_post_is_on_its_way_is_unknown(place: Place, fault: str | int) -> None:
    place.server.faults.append(fault)
    with pytest.raises(PublishUnknown):
        place.publisher.publish(place.account, post())


@pytest.mark.parametrize("fault", [f"{DIES} after", STALLS])
def test_a_second_attempt_with_the_same_key_shows_nothing_twice(place: Place, fault: str) -> None:
    place.server.faults.append(fault)
    with pytest.raises(PublishUnknown):
        place.publisher.publish(place.account, post())
    if place.publisher.honours_keys:
        place.publisher.publish(place.account, post())
    assert len(place.server.posts) == 1


def test_a_busy_platform_says_how_long_to_wait(place: Place) -> None:
    place.server.faults.append(429)
    with pytest.raises(PublishDeferred) as caught:
        place.publisher.publish(place.account, post())
    assert caught.value.retry_after == 30
    assert not place.server.posts


def test_a_refused_post_is_refused_for_good(place: Place) -> None:
    place.server.faults.append(422)
    with pytest.raises(PublishRejected, match="422"):
        place.publisher.publish(place.account, post())


def test_a_token_that_is_no_good_is_the_account_s_fault(place: Place) -> None:
    account = Account("7", "ann", place.server.url, "another")
    with pytest.raises(AccountRefused):
        place.publisher.publish(account, post())
    with pytest.raises(AccountRefused):
        place.publisher.profile(account)


def test_a_platform_that_is_away_has_surely_published_nothing(place: Place) -> None:
    away = Account("7", "ann", "http://127.0.0.1:9", "token")
    with pytest.raises(PublishDeferred):
        place.publisher.publish(away, post())


def test_an_account_is_read(place: Place) -> None:
    assert place.publisher.profile(place.account).handle.startswith("ann")


def test_figures_are_read(place: Place) -> None:
    published = place.publisher.publish(place.account, post())
    figures = place.publisher.metrics(place.account, published.id)
    assert figures["likes"] > 0


def test_a_token_is_in_no_repr() -> None:
    assert "token" not in repr(Account("7", "ann", None, "token")).replace("token=", "")


def test_a_post_is_found_by_the_words_its_server_shows() -> None:
    shown = '<p>Hi &amp; bye<br />see <a href="x"><span class="invisible">https://</span>example.com</a></p>'
    assert words(shown) == ["Hi", "&", "bye", "see", "https://example.com"]


def test_record_keys_are_one_for_each_post_and_in_time_order() -> None:
    keys = {record_key(post(f"k{number}")) for number in range(1_000)}
    assert len(keys) == 1_000
    assert all(len(key) == 13 and key[0] in "234567abcdefghij" for key in keys)
    later = Post("k1", "x", datetime(2026, 3, 1, 9, 31, tzinfo=UTC))
    assert record_key(post("k1")) == record_key(post("k1")) < record_key(later)


def test_links_and_tags_are_marked_in_bytes() -> None:
    first, second = facets("Größe https://example.com/a. #Brot")
    assert first["index"] == {"byteStart": 8, "byteEnd": 29}
    assert second["features"] == [{"$type": "app.bsky.richtext.facet#tag", "tag": "Brot"}]


def test_what_a_platform_would_refuse_is_said_before() -> None:
    limits = Limits(10, 1, 100, frozenset({"image/png"}))
    assert limit_errors(limits, "short", []) == []
    found = limit_errors(limits, "much too long", [("image/png", 101), ("video/mp4", 1)])
    assert [(error.field, error.code) for error in found] == [
        ("body", "too_long"),
        ("assets", "too_long"),
        ("assets.0", "too_large"),
        ("assets.1", "type"),
    ]


def test_a_link_counts_as_its_platform_counts_it() -> None:
    link = "https://example.com/" + "a" * 200
    assert length_of(Mastodon.limits, f"See {link}") == 27
    assert length_of(Bluesky.limits, f"See {link}") == 224
