"""Where webhooks may not go: whatever is private, in any of the ways in which an address can be written."""

from ipaddress import ip_address

import pytest

from authsvc.errors import InvalidRequest
from authsvc.webhook.guard import LOOPBACK, Guard, NotAllowed, networks_of, resolved, target_of

PUBLIC = ("93.184.215.14", "8.8.8.8", "2606:4700::1111")
PRIVATE = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_allowed(address):
    assert Guard().allows(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_private_is_not(address):
    assert not Guard().allows(ip_address(address))


def test_the_operator_may_name_private_networks_and_gets_these_alone():
    guard = Guard(networks_of("10.20.0.0/16, fd00:20::/64"))
    assert guard.allows(ip_address("10.20.3.4"))
    assert guard.allows(ip_address("fd00:20::7"))
    assert not guard.allows(ip_address("10.21.0.1"))
    assert not guard.allows(ip_address("127.0.0.1"))


@pytest.mark.parametrize("text", ["10.20.0.1/16", "everything", "10.20.0.0/33"])
def test_a_network_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=text):
        networks_of(text)


def test_one_forbidden_address_of_a_name_forbids_the_name():
    guard = Guard(resolve=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(NotAllowed):
        guard.addresses(target_of("https://two-faced.example/"))


def test_what_was_checked_is_what_is_connected_to():
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    guard = Guard(resolve=lambda host, port: next(answers))
    target = target_of("https://rebinding.example/")
    assert guard.addresses(target) == ("93.184.215.14",)
    with pytest.raises(NotAllowed):
        guard.addresses(target)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_other_spellings_of_this_machine_are_found_out_when_they_are_resolved(host):
    assert set(resolved(host, 443)) <= {"127.0.0.1", "::1"}
    with pytest.raises(NotAllowed):
        Guard().addresses(target_of(f"https://{host}/"))


def test_plain_http_goes_to_this_machine_alone_and_where_that_is_allowed():
    inside = Guard([*LOOPBACK, *networks_of("10.0.0.0/8")], lambda host, port: ["10.0.0.1"])
    inside.must_be_fine("http://127.0.0.1:8100/hook")
    inside.must_be_fine("http://localhost:8100/hook")
    with pytest.raises(NotAllowed):
        inside.addresses(target_of("http://inside.example/"))
    for url in ("http://127.0.0.1/", "http://localhost/", "http://shop.example/"):
        with pytest.raises(InvalidRequest):
            Guard().must_be_fine(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/hook",
        "ftp://shop.example/",
        "https:///hook",
        "https://user:password@shop.example/",
        "https://user@shop.example/",
        "https://shop.example/#top",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example\\@10.0.0.1/",
        "https://shop.example/a b",
        "https://shop.example/\r\nX-Injected: 1",
        "https://商店.example/",
        "https://[::1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
    ],
)
def test_an_address_that_could_never_be_sent_to_is_refused_at_once(url):
    with pytest.raises(InvalidRequest):
        Guard().must_be_fine(url)


def test_a_target_is_taken_apart_once():
    target = target_of("https://Shop.example:8443/hook?from=authsvc")
    assert (target.host, target.port, target.path) == ("shop.example", 8443, "/hook?from=authsvc")
    assert target.host_header == "shop.example:8443"
    assert target_of("https://[2606:4700::1111]").host_header == "[2606:4700::1111]"
