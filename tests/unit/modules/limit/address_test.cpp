#include "modules/limit/address_list.hpp"
#include "modules/limit/address_set.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

using namespace limit;

namespace {

Address address_of(std::string_view text) {
    const auto address = parse_address(text);
    INFO(text);
    REQUIRE(address);
    return *address;
}

Range range_of(std::string_view text) {
    const ParsedRange parsed = parse_range(text);
    INFO(text << ": " << parsed.fault);
    REQUIRE(parsed.range);
    return *parsed.range;
}

std::string path_of(const char* name) {
    return (std::filesystem::temp_directory_path() /
            (std::string("gantry-limit-") + std::to_string(getpid()) + name))
        .string();
}

void write(const std::string& path, std::string_view text) {
    const std::string fresh = path + "~";
    std::ofstream(fresh, std::ios::binary) << text;
    std::filesystem::rename(fresh, path);
}

}  // namespace

TEST_CASE("address: written in one way and read in all", "[modules][limit]") {
    CHECK(address_of("192.0.2.1").text() == "192.0.2.1");
    CHECK(address_of("0.0.0.0").text() == "0.0.0.0");
    CHECK(address_of("255.255.255.255").text() == "255.255.255.255");
    CHECK(address_of("2001:DB8:0:0::1").text() == "2001:db8::1");
    CHECK(address_of("::").text() == "::");
    CHECK(address_of("64:ff9b::192.0.2.1").text() == "64:ff9b::c000:201");
    CHECK(address_of("::ffff:192.0.2.1") == address_of("192.0.2.1"));
    CHECK(address_of("::ffff:c000:201") == address_of("192.0.2.1"));
    CHECK(address_of("::1") != address_of("0.0.0.1"));
}

TEST_CASE("address: nothing else is one", "[modules][limit]") {
    for (const char* text : {"",          "1",
                             "1.2.3",     "1.2.3.4.5",
                             "1.2.3.256", "01.2.3.4",
                             "1.2.3.4 ",  " 1.2.3.4",
                             "0x1.2.3.4", "1.2.3.-4",
                             "::g",       ":::",
                             "1::2::3",   "fe80::1%eth0",
                             "[::1]",     "1:2:3:4:5:6:7:8:9",
                             "12345::",   "1.2.3.4:80",
                             "localhost", "::ffff:1.2.3.4.5:1111:2222:3333:4444:5555:6666:7777"}) {
        INFO(text);
        CHECK_FALSE(parse_address(text));
    }
    CHECK_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)));
}

TEST_CASE("address: networks", "[modules][limit]") {
    CHECK(address_of("192.0.2.200").masked(24, 64).text() == "192.0.2.0");
    CHECK(address_of("192.0.2.200").masked(32, 64).text() == "192.0.2.200");
    CHECK(address_of("192.0.2.200").masked(0, 64).text() == "0.0.0.0");
    CHECK(address_of("2001:db8:1:2:3::4").masked(32, 64).text() == "2001:db8:1:2::");
    CHECK(address_of("2001:db8:1:2:3::4").masked(32, 128).text() == "2001:db8:1:2:3::4");
    CHECK(address_of("2001:db8:1:2:3::4").masked(32, 72).text() == "2001:db8:1:2::");
    CHECK(address_of("2001:db8:1:2:ff33::4").masked(32, 72).text() == "2001:db8:1:2:ff00::");
    CHECK(address_of("2001:db8:1:2:3::4").masked(32, 0).text() == "::");
}

TEST_CASE("address: ranges", "[modules][limit]") {
    CHECK(range_of("10.0.0.0/8").last.text() == "10.255.255.255");
    CHECK(range_of("0.0.0.0/0").last.text() == "255.255.255.255");
    CHECK(range_of("192.0.2.1/32").last.text() == "192.0.2.1");
    CHECK(range_of("192.0.2.1").first == range_of("192.0.2.1").last);
    CHECK(range_of("2001:db8::/32").last.text() == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK(range_of("2001:db8::/65").last.text() == "2001:db8::7fff:ffff:ffff:ffff");
    CHECK(range_of("::/0").last.text() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK(range_of("::ffff:10.0.0.0/104").last.text() == "10.255.255.255");
    for (const char* text :
         {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "/8",
          "10.0.0.1/8", "2001:db8::1/64", "::/129", "::/1000", "::ffff:10.0.0.0/95", "10.0.0.0-10.0.0.9"}) {
        INFO(text);
        const ParsedRange parsed = parse_range(text);
        CHECK_FALSE(parsed.range);
        CHECK_FALSE(parsed.fault.empty());
    }
    CHECK(parse_range("10.1.2.3/8").fault.find("write 10.0.0.0/8") != std::string::npos);
}

TEST_CASE("address_list: comments, blanks, and where it is wrong", "[modules][limit]") {
    const ParsedList parsed = parse_list("# drop\n\n 10.0.0.0/8 # all\r\n\t2001:db8::1\nlast\n1.2.3.4");
    REQUIRE(parsed.faults.size() == 1);
    CHECK(parsed.faults[0].line == 5);
    CHECK(parsed.faults[0].message.find("\"last\"") == 0);
    CHECK(parsed.lines == 4);
    CHECK(parsed.list.contains(address_of("1.2.3.4")));
    const ParsedList broken = parse_list("a\nb\nc\nd\ne\nf\ng\n");
    CHECK(broken.faults.size() == kMostFaults);
    CHECK(parse_list("x\x01y\n").faults[0].message.find("x?y") != std::string::npos);
    CHECK(parse_list("1.2.3.4 5.6.7.8").faults.size() == 1);
    CHECK(parse_list("").faults.empty());
}

TEST_CASE("address_list: IPv4 and IPv6 do not contain each other", "[modules][limit]") {
    const AddressList all_v6 = parse_list("::/0").list;
    CHECK(all_v6.contains(address_of("::1")));
    CHECK_FALSE(all_v6.contains(address_of("::ffff:10.0.0.1")));
    const AddressList all_v4 = parse_list("0.0.0.0/0").list;
    CHECK(all_v4.contains(address_of("::ffff:10.0.0.1")));
    CHECK_FALSE(all_v4.contains(address_of("::")));
    CHECK_FALSE(parse_list("").list.contains(address_of("::")));
    const AddressList ends = parse_list("255.255.255.255\n::\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").list;
    CHECK(ends.size() == 3);
}

TEST_CASE("address_list: neighbours are joined", "[modules][limit]") {
    CHECK(parse_list("10.0.0.0/25\n10.0.0.128/25\n10.0.1.0/24\n10.0.0.7").list.size() == 1);
    CHECK(parse_list("2001:db8::ffff:ffff:ffff:ffff\n2001:db8:0:1::").list.size() == 1);
    CHECK(parse_list("10.0.0.1\n10.0.0.3").list.size() == 2);
}

TEST_CASE("address_list: finds what a look at each range would find", "[modules][limit]") {
    std::mt19937_64 random(7);
    for (int round = 0; round < 30; ++round) {
        AddressList list;
        std::vector<Range> ranges;
        for (int i = 0; i < 60; ++i) {
            // In a small space, so that they touch and overlap.
            const bool is_v6 = random() % 2 == 0;
            const int bits = (is_v6 ? 120 : 24) + static_cast<int>(random() % 9);
            const Address any = is_v6 ? Address{true, 5, UINT64_MAX - 2000 + random() % 4000}
                                      : Address{false, 0, random() % 4000};
            const Address first = any.masked(bits, bits);
            const std::uint64_t size = std::uint64_t{1} << ((is_v6 ? 128 : 32) - bits);
            ranges.push_back({first, {is_v6, first.high, first.low + (size - 1)}});
            list.add(ranges.back());
        }
        list.seal();
        for (int i = 0; i < 3000; ++i) {
            const bool is_v6 = i % 2 == 0;
            const Address wanted = is_v6 ? Address{true, 5, UINT64_MAX - 2000 + random() % 4000}
                                         : Address{false, 0, random() % 4200};
            const bool naive = std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
                return range.first <= wanted && wanted <= range.last;
            });
            REQUIRE(list.contains(wanted) == naive);
        }
    }
}

TEST_CASE("list_file: is read anew when it changed, and stays as it was when it is broken",
          "[modules][limit]") {
    const std::string path = path_of("list");
    ListFile file(path);
    CHECK(file.read() == ListFile::Look::Broken);
    CHECK_FALSE(file.is_sound());
    REQUIRE(file.faults().size() == 1);
    CHECK(file.faults()[0].find(path + ": No such file") == 0);
    CHECK(file.look() == ListFile::Look::Unchanged);  // told once
    write(path, "10.0.0.1\n");
    CHECK(file.look() == ListFile::Look::Replaced);
    CHECK(file.look() == ListFile::Look::Unchanged);
    CHECK(file.contains(address_of("10.0.0.1")));
    write(path, "10.0.0.2\nnonsense\n");
    CHECK(file.look() == ListFile::Look::Broken);
    CHECK(file.is_sound());
    CHECK(file.faults()[0].find(path + ":2: \"nonsense\"") == 0);
    CHECK(file.contains(address_of("10.0.0.1")));
    CHECK_FALSE(file.contains(address_of("10.0.0.2")));
    // Of the same size, in the same second: another inode.
    write(path, "10.0.0.2\n10.0.0.3\n");
    CHECK(file.look() == ListFile::Look::Replaced);
    CHECK(file.contains(address_of("10.0.0.3")));
    CHECK(file.size() == 2);
    std::filesystem::remove(path);
    CHECK(file.look() == ListFile::Look::Broken);
    CHECK(file.contains(address_of("10.0.0.3")));
    std::filesystem::create_directory(path);
    CHECK(file.look() == ListFile::Look::Broken);
    std::filesystem::remove(path);
}

TEST_CASE("list_file: is read by many while it is replaced", "[modules][limit]") {
    const std::string path = path_of("busy");
    write(path, "10.0.0.1\n192.0.2.0/24\n");
    ListFile file(path);
    REQUIRE(file.read() == ListFile::Look::Replaced);
    const Address always = address_of("192.0.2.7");
    std::atomic<bool> is_over{false};
    std::atomic<int> missed{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; ++i) {
        readers.emplace_back([&] {
            while (!is_over) missed += file.contains(always) ? 0 : 1;
        });
    }
    for (int i = 0; i < 200; ++i) {
        write(path, "192.0.2.0/24\n10.0.0." + std::to_string(i) + "\n");
        file.read();
    }
    is_over = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(missed == 0);
    std::filesystem::remove(path);
}

TEST_CASE("address_set: its own and those of files", "[modules][limit]") {
    const std::string path = path_of("set");
    write(path, "10.0.0.1\n");
    auto file = std::make_shared<ListFile>(path);
    file->read();
    AddressSet set;
    CHECK(set.is_empty());
    set.add(range_of("192.0.2.0/24"));
    set.add(file);
    set.seal();
    CHECK_FALSE(set.is_empty());
    CHECK(set.contains(address_of("10.0.0.1")));
    CHECK(set.contains(address_of("192.0.2.9")));
    CHECK_FALSE(set.contains(address_of("192.0.3.9")));
    std::filesystem::remove(path);
}
