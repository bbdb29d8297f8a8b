"""Random configurations and requests whose answers name what answered. Everything follows from the seed."""

import json
import random

NAMES = ["a.test", "b.test", "www.a.test", "x.y.a.test", "c.test", "[::1]", "127.0.0.1"]
WILDCARDS = ["*.a.test", "*.test", "*.y.a.test", "*.b.test"]
EXPRESSIONS = [r"~^(?<project>[a-z]+)\\.r\\.test$", r"~^([a-z])(\\d+)\\.test$", r"~\\.r\\.test$"]
PREFIXES = ["/", "/", "/", "/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/b/", "/a b", "/a%2Fb"]
PATTERNS = [r"~^/a/(?<rest>.*)$", r"~*\\.PNG$", r"~^/(a|b)/(\\d+)$", r"~/b$", r"~^/%"]
METHODS = ["GET", "POST", "PUT", "DELETE", "PURGE", "OPTIONS"]
WHEN = [
    'header = { X-V = "1" }', 'header = { X-V = "~^[12]" }', "header = { X-V = true }", "header = { X-V = false }",
    'query = { d = "1" }', "query = { d = true }", 'query = { d = "~^x y" }', "cookie = { c = true }",
    'cookie = { c = "2" }', 'clients = ["127.0.0.2"]', 'clients = ["127.0.0.0/30", "::1"]', 'clients = ["10.0.0.0/8"]',
]
SEGMENTS = ["a", "b", "ab", "a%2Fb", "a%5Cb", "a\\b", ".", "..", "%2e%2e", "%2E", "", "c.png", "C.PNG", "12", "%61",
            "%zz", "%", "%00", "%25", "%252F", "a%20b", "é", "%C3%A9", ".git", "~x", "a;b", "%25%32%46"]
HOSTS = NAMES + ["web.a.test", "deep.y.a.test", "blue.r.test", "x1.test", "q9.r.test", "unknown.example", "A.TEST", "a.test.",
                 "a.test:80", "b.test:8080", "[::1]:80", "a..test", "-", "a.test:99999", "user@a.test", "a_b.test", "", "a b"]


FITTING = {  # the expressions, each with a name that it matches
    EXPRESSIONS[0].replace("\\\\", "\\"): "blue.r.test", EXPRESSIONS[1].replace("\\\\", "\\"): "x1.test",
    EXPRESSIONS[2].replace("\\\\", "\\"): "q9.r.test",
}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def some(rng, values, most):
    return rng.sample(values, rng.randint(1, min(most, len(values))))


def handler(rng, name):
    body = quoted(f"{name} ${{path}} ${{query.d}} ${{host}} ${{method}}")
    to = quoted(f"https://{name}.example${{path}}?${{query}}")
    return rng.choice([
        f"respond = {body}", f"respond = {{ status = {rng.choice([200, 201, 403, 404, 503])}, body = {body} }}",
        f"respond = {body}", f"respond = {rng.choice([200, 204, 410])}", f"redirect = {to}",
        f"redirect = {{ to = {to}, status = {rng.choice([301, 302, 307, 308])} }}",
        'static = "@dir@/www"', 'proxy = "http://127.0.0.1:1"',
    ])


def location(rng, host, number):
    patterns = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.random()
        patterns.append(rng.choice(PREFIXES) if kind < 0.6 else "= " + rng.choice(PREFIXES) if kind < 0.8
                        else rng.choice(PATTERNS).replace("\\\\", "\\"))
    lines = [f"[host.{host}.location.n{number}]", f"patterns = {quoted(sorted(set(patterns)))}", handler(rng, f"n{number}")]
    if rng.random() < 0.3:
        lines.append(f"methods = {quoted(some(rng, METHODS, 3))}")
    if rng.random() < 0.4:
        lines.append(f"when = {{ {rng.choice(WHEN)} }}")
    if rng.random() < 0.2:
        lines.append(f"priority = {rng.choice([-1, 1, 5])}")
    if rng.random() < 0.2:
        lines.append('response_headers = { set = { X-Own = "${location} ${query.d}" }, remove = ["X-Path"] }')
    if rng.random() < 0.2:
        lines.append('request_headers = { set = { X-V = "9" } }')
    return "\n".join(lines)


def configuration(rng):
    """(text, names that hosts in it may have)"""
    lines = ["[server]", "workers = 2",
             'response_headers = { set = { X-Location = "${location}", X-Host = "${host_name}", X-Path = "${path}" } }',
             '[listener.web]\naddress = "127.0.0.1:0"', '[listener.other]\naddress = "127.0.0.1:0"\nmax_fields = 12']
    names = rng.sample(NAMES, len(NAMES)) + rng.sample(WILDCARDS, len(WILDCARDS)) + rng.sample(EXPRESSIONS, len(EXPRESSIONS))
    rng.shuffle(names)
    known = []
    defaults = rng.random() < 0.5
    for index in range(rng.randint(1, 5)):
        name = names.pop().replace("\\\\", "\\")
        known.append(FITTING.get(name, name.replace("*", "any")))
        host = quoted(name)
        lines.append(f"[host.{host}]")
        if rng.random() < 0.3:
            lines.append(f"names = {quoted([names.pop().replace(chr(92) * 2, chr(92))])}")
        if rng.random() < 0.3:
            lines.append(f'listeners = ["{rng.choice(["web", "other"])}"]')
        elif index == 1 and defaults:
            lines.append("default = true")
        if rng.random() < 0.5:
            lines.append(f'encoded_slash = "{rng.choice(["keep", "reject", "decode"])}"')
        if rng.random() < 0.3:
            lines.append("merge_slashes = false")
        if rng.random() < 0.2:
            lines.append('error_pages = { 404 = { redirect = "https://lost.example${path}" } }')
        for number in range(rng.randint(1, 7)):
            lines.append(location(rng, host, number))
    return "\n".join(lines) + "\n", known


def target(rng, method):
    if rng.random() < 0.02:
        return "*"
    if method == "CONNECT":
        return "a.test:443"
    path = "/" + "/".join(rng.choice(SEGMENTS[:3] if rng.random() < 0.8 else SEGMENTS) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])))
    if rng.random() < 0.3:
        path += rng.choice(["?d=1", "?d=x+y", "?d=x%20y", "?", "?e=1&d=2", "?d", "?d=/../x"])
    if rng.random() < 0.05:
        path = f"http://{rng.choice(HOSTS)}" + rng.choice([path, "", "?d=1"])
    if rng.random() < 0.01:
        path += "a" * 9000
    return path


def request(rng, known):
    """(listener, client address, method, head as text)"""
    method = rng.choice(["GET"] * 25 + ["HEAD", "POST", "PUT", "PURGE", "OPTIONS", "DELETE", "TRACE", "CONNECT", "get"])
    version = "HTTP/1.0" if rng.random() < 0.05 else "HTTP/2.5" if rng.random() < 0.005 else "HTTP/1.1"
    lines = [f"{method} {target(rng, method)} {version}"]
    for _ in range(rng.choice([1] * 50 + [0, 2])):
        lines.append(f"Host: {rng.choice(HOSTS if rng.random() < 0.2 else known)}")
    if rng.random() < 0.4:
        lines.append(f"X-V: {rng.choice(['1', '2', '3', ''])}")
    if rng.random() < 0.3:
        lines.append(f"Cookie: {rng.choice(['c=1', 'b=1; c=2', 'c', 'd=1'])}")
    if rng.random() < 0.1:
        lines.append(f"Accept: {rng.choice(['text/html', 'application/json', 'text/plain'])}")
    if rng.random() < 0.05:
        lines.append(rng.choice(["Bad Name: 1", "Content-Length: x", "Content-Length: 0", "A:1\r\n b", "Transfer-Encoding: x"]))
    if rng.random() < 0.03:
        lines += [f"X-{number}: 1" for number in range(rng.choice([9, 13, 120]))]
    head = "\r\n".join(lines) + "\r\n\r\n"
    return rng.choice(["web", "web", "other"]), f"127.0.0.{rng.randint(1, 5)}", method, head


def seeded(seed):
    return random.Random(f"gantry {seed}")
