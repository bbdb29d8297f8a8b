#include "core/module/client_target.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace gantry;

namespace {

// "host:port tls Host path", or "wrong".
std::string shown(std::string_view url) {
    const auto parsed = module::parse_target(url);
    if (!parsed) return "wrong";
    if (!parsed->upstream.empty()) return "upstream " + parsed->upstream + " " + parsed->path;
    if (parsed->peer.is_unix) return "unix " + parsed->peer.host + " " + parsed->host + " " + parsed->path;
    return parsed->peer.host + " " + std::to_string(parsed->peer.port) + (parsed->is_tls ? " tls " : " ") +
           parsed->host + " " + parsed->path;
}

}  // namespace

TEST_CASE("targets of modules are URLs") {
    CHECK(shown("http://app") == "app 80 app /");
    CHECK(shown("http://App.internal:8080/check?a=b") == "App.internal 8080 App.internal:8080 /check?a=b");
    CHECK(shown("http://app:80") == "app 80 app /");
    CHECK(shown("https://id.example.com") == "id.example.com 443 tls id.example.com /");
    CHECK(shown("https://127.0.0.1:8443/") == "127.0.0.1 8443 tls 127.0.0.1:8443 /");
    CHECK(shown("http://[::1]:3000/a") == "::1 3000 [::1]:3000 /a");
    CHECK(shown("https://[::1]") == "::1 443 tls [::1] /");
    CHECK(shown("http://app?a") == "app 80 app /?a");
    CHECK(shown("http+unix:///run/app.sock") == "unix /run/app.sock localhost /");
    CHECK(shown("http+unix:///run/app.sock:/a?b") == "unix /run/app.sock localhost /a?b");
    CHECK(shown("upstream:app") == "upstream app /");
    CHECK(shown("upstream:my app/check?a") == "upstream my app /check?a");
}

TEST_CASE("what is no target is refused") {
    for (const std::string_view url : {"",
                                       "app",
                                       "ftp://app",
                                       "HTTP://app",
                                       "http:",
                                       "http://",
                                       "http:///",
                                       "http://:80",
                                       "http://app:",
                                       "http://app:0",
                                       "http://app:65536",
                                       "http://app:8x",
                                       "http://app:80:80",
                                       "http://user@app",
                                       "http://user:word@app/",
                                       "http://a b/",
                                       "http://app/a b",
                                       "http://app/\r\nX: y",
                                       "http://app/#part",
                                       "http://app#part",
                                       "http://app/\xc3\xa4",
                                       "http://[::1",
                                       "http://[app]",
                                       "http://[::1]3000",
                                       "http://256.1.1.1",
                                       "http://1.2.3",
                                       "http://-app",
                                       "http://.app",
                                       "http://a..b",
                                       "http://app\r",
                                       "http+unix://",
                                       "http+unix:///",
                                       "http+unix://run/app.sock",
                                       "http+unix:///run/app.sock:/a b",
                                       "upstream:",
                                       "upstream:/a",
                                       "upstream:app/a b"}) {
        INFO(std::string(url));
        CHECK(shown(url) == "wrong");
    }
    CHECK(shown("http+unix:///" + std::string(106, 'a')) != "wrong");
    CHECK(shown("http+unix:///" + std::string(107, 'a')) == "wrong");
    CHECK(shown("http://" + std::string(254, 'a')) == "wrong");
}

TEST_CASE("what may stand in a request line and in Host") {
    CHECK(module::is_origin_form("/a/b?c=d&e=%20;f=(g)"));
    for (const std::string_view path :
         {"", "a", "*", "/ ", "/\t", "/a\n", "/\x7f", "/\x80", "/<", "/\"", "/#"})
        CHECK_FALSE(module::is_origin_form(path));
    CHECK(module::is_host_value("app.internal:8080"));
    CHECK(module::is_host_value("[::1]:80"));
    for (const std::string_view host : {"", "a b", "a\r\n", "a/b", "a@b", "a,b"})
        CHECK_FALSE(module::is_host_value(host));
}
