#include "core/content/file_cache.hpp"

#include "core/content/directory_listing.hpp"
#include "tests/support/catch.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace gantry;
using content::Disk;
using content::FileCache;
using content::FileEntry;
using content::FileRoot;
using Kind = FileEntry::Kind;

namespace {

class Site {
public:
    Site() : worker_(0, 1, blocking_, logs_.make_buffer()), cache_(worker_) {
        char name[] = "/tmp/gantry-cache-XXXXXX";
        top_ = ::mkdtemp(name);
        root_.path = top_;
        root_.max_memory_file = 1000;
        root_.cache_bytes = 64 * 1024;
        root_.check = 0;  // look at the disk every time
        root_.id = content::file_root_id(root_);
    }
    ~Site() { std::filesystem::remove_all(top_); }

    void write(const std::string& name, const std::string& text) const { std::ofstream(top_ / name) << text; }
    Ref<FileEntry> find(const std::string& name) { return cache_.find(root_, name, Disk::MayBlock); }
    FileRoot& root() { return root_; }
    const std::filesystem::path& top() const { return top_; }

private:
    net::BlockingPool blocking_{1};
    server::LogThread logs_;
    server::WorkerContext worker_;
    FileCache cache_;
    std::filesystem::path top_;
    FileRoot root_;
};

}  // namespace

TEST_CASE("file_cache: small files are in memory, large ones open", "[content]") {
    Site site;
    site.write("small", "hello");
    site.write("large", std::string(5000, 'x'));
    const auto small = site.find("small");
    REQUIRE(small->kind == Kind::File);
    CHECK(small->in_memory);
    CHECK(small->content == "hello");
    const auto large = site.find("large");
    REQUIRE(large->kind == Kind::File);
    CHECK_FALSE(large->in_memory);
    CHECK(large->fd.get() >= 0);
    CHECK(large->size == 5000);
}

TEST_CASE("file_cache: a file that the kernel may send is compared with the disk each time", "[content]") {
    Site site;
    site.root().max_memory_file = 1024 * 1024;
    site.root().cache_bytes = 16 * 1024 * 1024;
    site.root().check = 1'000'000;
    const std::string before(64 * 1024, 'x');
    site.write("file", before);
    CHECK_FALSE(site.find("file")->fd);  // it may still be written
    std::filesystem::last_write_time(site.top() / "file",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    site.root().check = 0;
    const auto first = site.find("file");
    site.root().check = 1'000'000;
    REQUIRE(first->in_memory);
    REQUIRE(first->fd.get() >= 0);
    CHECK(site.find("file").get() == first.get());
    site.write("file", std::string(64 * 1024 + 1, 'y'));  // in place: the descriptor has it at once
    const auto second = site.find("file");
    CHECK(second.get() != first.get());
    CHECK(second->size == 64 * 1024 + 1);
    CHECK(first->content == before);
}

TEST_CASE("file_cache: it keeps a quarter of the descriptors that the process may have", "[content]") {
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit low{400, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    Site site;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    site.root().cache_bytes = 16 * 1024 * 1024;
    site.root().check = 1'000'000;
    const auto before = open_files();
    for (int i = 0; i < 200; ++i) {
        const std::string name = "large" + std::to_string(i);
        site.write(name, std::string(2000, 'x'));
        REQUIRE(site.find(name)->kind == Kind::File);
    }
    CHECK(open_files() - before > 90);
    CHECK(open_files() - before < 110);
}

TEST_CASE("file_cache: out of descriptors it serves what it has", "[content]") {
    Site site;
    site.write("small", "hello");
    site.write("large", std::string(5000, 'x'));
    site.write("other", "never asked for");
    const auto small = site.find("small");
    const auto large = site.find("large");
    REQUIRE(site.find("absent")->kind == Kind::NotFound);
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const int free = ::dup(0);
    REQUIRE(free >= 0);
    ::close(free);
    const rlimit none{static_cast<rlim_t>(free), usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto small_again = site.find("small");
    const auto large_again = site.find("large");
    const auto absent_again = site.find("absent");
    const auto other = site.find("other");
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    CHECK(small_again.get() == small.get());
    CHECK(large_again.get() == large.get());
    CHECK(absent_again->kind == Kind::NotFound);
    CHECK(other->kind == Kind::Failed);
    site.write("small", "changed");
    CHECK(site.find("small")->content == "changed");
    CHECK(site.find("other")->content == "never asked for");
}

TEST_CASE("file_cache: a replaced file is noticed, and who has the old version keeps it", "[content]") {
    Site site;
    site.write("page", "one");
    const auto before = site.find("page");
    site.write("page.new", "second");
    std::filesystem::rename(site.top() / "page.new", site.top() / "page");
    const auto after = site.find("page");
    CHECK(before->content == "one");
    CHECK(after->content == "second");
    CHECK(before->etag != after->etag);
}

TEST_CASE("file_cache: a file that never rests is served as well, and never as a mixture", "[content]") {
    Site site;
    site.root().max_memory_file = 4 * 1024 * 1024;  // takes longer to read than to change
    site.root().id = content::file_root_id(site.root());
    site.write("log", std::string(2 * 1024 * 1024, 'x'));
    std::atomic<bool> is_over{false};
    std::thread writer([&] {
        std::ofstream log(site.top() / "log", std::ios::app);
        for (int written = 1; !is_over; ++written) {
            log << "y" << std::flush;
            if (written % (1024 * 1024) == 0)
                std::filesystem::resize_file(site.top() / "log", 2 * 1024 * 1024);
        }
    });
    bool was_from_descriptor = false;
    const auto last = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!was_from_descriptor && std::chrono::steady_clock::now() < last) {
        const auto entry = site.find("log");
        CHECK(entry->kind == Kind::File);
        CHECK(entry->in_memory != static_cast<bool>(entry->fd));
        if (entry->in_memory) CHECK(entry->content.size() == entry->size);
        was_from_descriptor = !entry->in_memory;
    }
    is_over = true;
    writer.join();
    CHECK(was_from_descriptor);
    CHECK(site.find("log")->in_memory);  // it rests now
}

TEST_CASE("file_cache: an unchanged file is the same entry, within the interval without a look at the disk",
          "[content]") {
    Site site;
    site.write("page", "one");
    const auto first = site.find("page");
    CHECK(site.find("page").get() == first.get());
    site.root().check = 1'000'000;
    std::filesystem::remove(site.top() / "page");
    CHECK(site.find("page").get() == first.get());
}

TEST_CASE("file_cache: an absent file that appears is served", "[content]") {
    Site site;
    CHECK(site.find("late")->kind == Kind::NotFound);
    site.write("late", "here");
    CHECK(site.find("late")->kind == Kind::File);
    std::filesystem::remove(site.top() / "late");
    CHECK(site.find("late")->kind == Kind::NotFound);
}

TEST_CASE("file_cache: what is neither file nor directory is refused", "[content]") {
    Site site;
    REQUIRE(::mkfifo((site.top() / "fifo").c_str(), 0600) == 0);
    std::filesystem::create_directory(site.top() / "dir");
    std::filesystem::create_symlink("/etc/passwd", site.top() / "link");
    CHECK(site.find("fifo")->kind == Kind::Forbidden);
    CHECK(site.find("dir")->kind == Kind::Directory);
    CHECK(site.find("link")->kind == Kind::Forbidden);
}

TEST_CASE("file_cache: memory stays within its bound while old entries in use live on", "[content]") {
    Site site;
    site.root().check = 1'000'000;
    site.write("first", std::string(900, 'a'));
    const auto first = site.find("first");
    for (int i = 0; i < 300; ++i) {
        const std::string name = "f" + std::to_string(i);
        site.write(name, std::string(900, 'b'));
        REQUIRE(site.find(name)->kind == Kind::File);
    }
    CHECK(first->content == std::string(900, 'a'));
    CHECK(site.find("first").get() != first.get());  // it was dropped, and read anew
}

TEST_CASE("file_cache: an empty file and a missing root", "[content]") {
    Site site;
    site.write("empty", "");
    CHECK(site.find("empty")->kind == Kind::File);
    CHECK(site.find("empty")->size == 0);
    FileRoot none = site.root();
    none.path += "/none";
    none.id = content::file_root_id(none);
    std::swap(site.root(), none);
    CHECK(site.find("empty")->kind == Kind::NotFound);
}

TEST_CASE("directory_listing: names cannot become markup, scripts or other hosts", "[content]") {
    const std::vector<content::ListedFile> files = {{"<script>alert(1)</script>", false, 3, 0},
                                                    {"\"onclick=x", true, 0, 0},
                                                    {"javascript:alert(1)", false, 1, 0},
                                                    {"//evil.example", false, 1, 0}};
    const std::string page = content::render_html("/<b>/", files, "", false);
    CHECK(page.find("<script>") == page.npos);
    CHECK(page.find("<b>") == page.npos);
    CHECK(page.find("href=\"javascript:") == page.npos);
    CHECK(page.find("href=\"//evil") == page.npos);
    CHECK(page.find("href=\"%22onclick%3Dx/\"") != page.npos);
    const std::string json = content::render_json({{"a\"b\\c\n", false, 7, 0}}, true);
    CHECK(json.find("\"a\\\"b\\\\c\\u000a\"") != json.npos);
    CHECK(json.find("\"truncated\":true") != json.npos);
}
