#include "core/content/beneath.hpp"

#include "tests/support/catch.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

using namespace gantry;
using content::Disk;
using content::open_beneath;
using Links = conf::StaticOptions::Symlinks;

namespace {

// root/a.txt, root/sub/b.txt, secret.txt beside the root, and links to all of them.
class Tree {
public:
    Tree() {
        char name[] = "/tmp/gantry-beneath-XXXXXX";
        top_ = ::mkdtemp(name);
        std::filesystem::create_directories(top_ / "root/sub");
        for (const char* file : {"root/a.txt", "root/sub/b.txt", "secret.txt"})
            std::ofstream(top_ / file) << file;
        std::filesystem::create_symlink("a.txt", top_ / "root/inside");
        std::filesystem::create_symlink("../secret.txt", top_ / "root/outside");
        std::filesystem::create_symlink("/etc", top_ / "root/absolute");
        std::filesystem::create_symlink("sub", top_ / "root/dir");
        REQUIRE(::mkfifo((top_ / "root/fifo").c_str(), 0600) == 0);
        root_.reset(::open((top_ / "root").c_str(), O_PATH | O_DIRECTORY));
    }
    ~Tree() { std::filesystem::remove_all(top_); }
    int root() const { return root_.get(); }

private:
    std::filesystem::path top_;
    UniqueFd root_;
};

bool opens(const Tree& tree, const char* path, Links links) {
    return open_beneath(tree.root(), path, links, Disk::MayBlock).has_value();
}

}  // namespace

TEST_CASE("beneath: opens what lies below the root", "[content]") {
    const Tree tree;
    for (const char* path : {"a.txt", "sub/b.txt", "sub", "sub/", ".", "", "./a.txt", "sub/../a.txt"}) {
        INFO("path " << path);
        CHECK(opens(tree, path, Links::Deny));
    }
}

TEST_CASE("beneath: no path leads out, whatever the policy of links", "[content]") {
    const Tree tree;
    for (const char* path : {"../secret.txt", "sub/../../secret.txt", "/etc/passwd", "..", "sub/../.."}) {
        INFO("path " << path);
        CHECK_FALSE(opens(tree, path, Links::Deny));
        CHECK_FALSE(opens(tree, path, Links::Beneath));
    }
}

TEST_CASE("beneath: links are followed as far as the policy says", "[content]") {
    const Tree tree;
    CHECK_FALSE(opens(tree, "inside", Links::Deny));
    CHECK_FALSE(opens(tree, "dir/b.txt", Links::Deny));
    CHECK(opens(tree, "inside", Links::Beneath));
    CHECK(opens(tree, "dir/b.txt", Links::Beneath));
    CHECK_FALSE(opens(tree, "outside", Links::Beneath));
    CHECK_FALSE(opens(tree, "absolute/passwd", Links::Beneath));
    CHECK(opens(tree, "outside", Links::Follow));
    CHECK(opens(tree, "absolute/passwd", Links::Follow));
}

TEST_CASE("beneath: a FIFO does not make the caller wait", "[content]") {
    const Tree tree;
    const auto fd = open_beneath(tree.root(), "fifo", Links::Deny, Disk::MayBlock);
    struct stat stat;
    REQUIRE(fd.has_value());
    REQUIRE(::fstat(fd->get(), &stat) == 0);
    CHECK(S_ISFIFO(stat.st_mode));
}

TEST_CASE("beneath: says why a file cannot be had", "[content]") {
    const Tree tree;
    CHECK(open_beneath(tree.root(), "none", Links::Deny, Disk::MayBlock).error().code == Code::NotFound);
    CHECK(open_beneath(tree.root(), "a.txt/x", Links::Deny, Disk::MayBlock).error().code == Code::NotFound);
    CHECK(
        open_beneath(tree.root(), std::string(300, 'x').c_str(), Links::Deny, Disk::MayBlock).error().code ==
        Code::NotFound);
    CHECK(open_beneath(tree.root(), "inside", Links::Deny, Disk::MayBlock).error().code == Code::Forbidden);
    CHECK(open_beneath(tree.root(), "../secret.txt", Links::Deny, Disk::MayBlock).error().code ==
          Code::Forbidden);
}
