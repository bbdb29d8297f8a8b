#include "core/server/error_page.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/server/source_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace gantry;
using namespace gantry::server;

namespace {

struct Folder {
    Folder() {
        char name[] = "/tmp/gantry-error-page-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(path + "/" + name, std::ios::binary) << text;
        return path + "/" + name;
    }
    std::string path;
};

conf::ErrorPage page(int status, std::string file, std::string redirect = "") {
    conf::ErrorPage made;
    made.status = status;
    made.file = std::move(file);
    made.redirect.text = std::move(redirect);
    return made;
}

}  // namespace

TEST_CASE("error_page: the form that the client prefers", "[server][error_page]") {
    CHECK(page_format("") == PageFormat::Html);
    CHECK(page_format("*/*") == PageFormat::Html);
    CHECK(page_format("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == PageFormat::Html);
    CHECK(page_format("application/json") == PageFormat::Json);
    CHECK(page_format("Application/JSON; charset=utf-8") == PageFormat::Json);
    CHECK(page_format("application/json, text/plain, */*") == PageFormat::Json);
    CHECK(page_format("application/problem+json") == PageFormat::Json);
    CHECK(page_format("text/plain") == PageFormat::Text);
    CHECK(page_format("text/*") == PageFormat::Html);
    CHECK(page_format("text/html;q=0.5, application/json;q=0.9") == PageFormat::Json);
    CHECK(page_format("text/html;q=0.9, application/json;q=0.5") == PageFormat::Html);
    CHECK(page_format("text/html, application/json") == PageFormat::Html);
    CHECK(page_format("application/json;q=0, */*") == PageFormat::Html);
    CHECK(page_format("text/plain;q=0.5;x=1, text/html;q=0.4") == PageFormat::Text);
    CHECK(page_format("image/png") == PageFormat::Html);
    CHECK(page_format(";;,q=,/,;q=9,\"") == PageFormat::Html);
}

TEST_CASE("error_page: our own page is small, whole and escaped", "[server][error_page]") {
    Arena arena;
    const std::string_view html = builtin_page(404, PageFormat::Html, "", arena);
    CHECK(html.find("<title>404 Not Found</title>") != html.npos);
    CHECK(html.find("<meta charset=\"utf-8\">") != html.npos);
    CHECK(html.find("light dark") != html.npos);
    CHECK(html.find("http") == html.npos);  // nothing from elsewhere
    CHECK(html.size() < 600);
    CHECK(builtin_page(404, PageFormat::Html, "<script>&\"'", arena).find("&lt;script&gt;&amp;&quot;&#39;") !=
          html.npos);
    CHECK(builtin_page(503, PageFormat::Text, "", arena) == "503 Service Unavailable\n");
    CHECK(builtin_page(400, PageFormat::Text, "no host", arena) == "400 Bad Request\nno host\n");
    CHECK(builtin_page(404, PageFormat::Json, "", arena) == "{\"status\":404,\"error\":\"Not Found\"}\n");
    CHECK(builtin_page(400, PageFormat::Json, "a \"b\"\n", arena) ==
          "{\"status\":400,\"error\":\"Bad Request\",\"detail\":\"a \\\"b\\\"?\"}\n");
    CHECK(builtin_page(599, PageFormat::Text, "", arena) == "599 Server Error\n");
    CHECK(builtin_page(444, PageFormat::Text, "", arena) == "444 Error\n");
}

TEST_CASE("error_page: the nearest page that names the status or its class", "[server][error_page]") {
    const Folder folder;
    const std::string own = folder.file("own.html", "own");
    const std::string any = folder.file("any.txt", "any");
    PageFiles files;
    Problems problems;
    const ErrorPages pages = ErrorPages::build(
        {page(404, own), page(5, any), page(503, own), page(4, "", "https://status.example/${status}")},
        files, problems);
    REQUIRE(problems.empty());
    REQUIRE(pages.find(404) != nullptr);
    CHECK(*pages.find(404)->body == "own");
    CHECK(pages.find(404)->content_type == "text/html; charset=utf-8");
    CHECK(*pages.find(503)->body == "any");
    CHECK(pages.find(503)->content_type == "text/plain; charset=utf-8");
    REQUIRE(pages.find(403) != nullptr);
    CHECK(pages.find(403)->body == nullptr);
    Arena arena;
    TestSource source;
    source.set(VariableId::Status, "403");
    CHECK(pages.find(403)->redirect.evaluate(source, arena) == "https://status.example/403");
    CHECK(pages.find(302) == nullptr);
    CHECK(ErrorPages().find(404) == nullptr);
}

TEST_CASE("error_page: a file is read once however often it is named", "[server][error_page]") {
    const Folder folder;
    const std::string path = folder.file("a.html", "text");
    PageFiles files;
    std::string error;
    const auto first = files.read(path, error);
    CHECK(files.read(path, error) == first);
    CHECK(*first == "text");
}

TEST_CASE("error_page: what cannot be a page is a problem", "[server][error_page]") {
    const Folder folder;
    const std::string fifo = folder.path + "/fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    PageFiles files;
    Problems problems;
    const ErrorPages pages =
        ErrorPages::build({page(404, folder.path + "/absent.html"), page(404, folder.path), page(404, fifo),
                           page(404, folder.file("big.html", std::string(PageFiles::kMaxBytes + 1, 'x'))),
                           page(404, "", "/${nothing}"),
                           page(404, folder.file("most.html", std::string(PageFiles::kMaxBytes, 'x')))},
                          files, problems);
    REQUIRE(problems.size() == 5);
    CHECK(problems[0].message.find("No such file") != std::string::npos);
    CHECK(problems[1].message.find("not a regular file") != std::string::npos);
    CHECK(problems[2].message.find("not a regular file") != std::string::npos);
    CHECK(problems[3].message.find("1 MiB") != std::string::npos);
    CHECK(problems[4].message == "unknown variable \"nothing\"");
    CHECK(problems[4].offset == 1);
    REQUIRE(pages.find(404) != nullptr);
    CHECK(pages.find(404)->body->size() == PageFiles::kMaxBytes);
}
