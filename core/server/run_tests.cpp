#include "core/server/run_tests.hpp"

#include "core/base/text.hpp"
#include "core/conf/as_written.hpp"
#include "core/server/asked_request.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::server {
namespace {

using What = conf::Expectation::What;

class Judge {
public:
    Judge(const conf::Settings& settings, const conf::Test& test, const Rehearsed& rehearsed,
          Problems& problems)
        : settings_(settings), test_(test), rehearsed_(rehearsed), problems_(problems) {}

    void judge(const conf::Expectation& expectation) {
        switch (expectation.what) {
            case What::Host:
                return compare(expectation,
                               rehearsed_.host == nullptr ? "" : rehearsed_.host->settings->name);
            case What::Location:
                return compare(expectation,
                               rehearsed_.location == nullptr ? "" : rehearsed_.location->settings->name);
            case What::Path:
                return compare(expectation, rehearsed_.path);
            case What::HandlerKind:
                return compare(expectation, rehearsed_.outlook.handler);
            case What::Upstream:
                return compare(expectation, rehearsed_.outlook.upstream);
            case What::Status:
                if (rehearsed_.status == 0) return refuse_unknown(expectation);
                return compare(expectation, std::to_string(rehearsed_.status));
            case What::File:
                return judge_file(expectation);
            case What::Header:
                return judge_header(expectation);
        }
    }

private:
    void compare(const conf::Expectation& expectation, std::string_view found) {
        if (found == expectation.value) return;
        refuse(expectation, found.empty() ? std::string("would be none")
                                          : fmt::format("would be {}", shown(expectation, found)));
    }

    static std::string shown(const conf::Expectation& expectation, std::string_view value) {
        return expectation.what == What::Status ? std::string(value) : conf::in_quotes(value);
    }

    void judge_file(const conf::Expectation& expectation) {
        const auto& files = rehearsed_.outlook.files;
        if (std::find(files.begin(), files.end(), expectation.value) != files.end()) return;
        refuse(expectation, files.empty() ? std::string("would be none")
                                          : fmt::format("would be \"{}\"", fmt::join(files, "\", \"")));
    }

    void judge_header(const conf::Expectation& expectation) {
        if (rehearsed_.status == 0) return refuse_unknown(expectation);
        std::string found;
        for (const auto& [name, value] : rehearsed_.headers) {
            if (!equals_ignore_case(name, expectation.name)) continue;
            if (!expectation.is_absent && value == expectation.value) return;
            found.append(found.empty() ? "would be " : ", ").append(conf::in_quotes(value));
        }
        if (found.empty() && expectation.is_absent) return;
        refuse(expectation, found.empty() ? "would be none" : found);
    }

    static std::string name_of(const conf::Expectation& expectation) {
        if (expectation.what == What::Header) return fmt::format("field {}", expectation.name);
        return std::string(conf::as_written(expectation.what));
    }

    // "this test fails: the status of GET http://a.test/ would be 404, not 301"
    void refuse(const conf::Expectation& expectation, std::string_view found) {
        const bool none = expectation.is_absent || expectation.value.empty();
        tell(expectation,
             fmt::format("{}, not {}", found, none ? "none" : shown(expectation, expectation.value)));
    }
    void refuse_unknown(const conf::Expectation& expectation) {
        tell(expectation, "depends on a file or a peer and is not known before");
    }
    void tell(const conf::Expectation& expectation, std::string_view sentence) {
        problems_.push_back({expectation.place, 0,
                             fmt::format("this test fails: the {} of {} {} {}", name_of(expectation),
                                         test_.method, test_.url, sentence),
                             decision()});
    }

    // What decided it, and where.
    std::string decision() const {
        std::string text = "answered by ";
        if (rehearsed_.location != nullptr) {
            text += fmt::format("the location {} of host {}", rehearsed_.location->settings->name,
                                rehearsed_.host->settings->name);
        } else if (rehearsed_.host != nullptr) {
            text += fmt::format("no location of host {}", rehearsed_.host->settings->name);
        } else {
            text += "no host";
        }
        const conf::Place place = rehearsed_.decided;
        if (place.line != 0 && place.file < settings_.files.size())
            text += fmt::format(", as {}:{} has it", settings_.files[place.file], place.line);
        if (!rehearsed_.error.empty()) text += fmt::format(": {}", rehearsed_.error);
        return text;
    }

    const conf::Settings& settings_;
    const conf::Test& test_;
    const Rehearsed& rehearsed_;
    Problems& problems_;
};

}  // namespace

void run_tests(const std::shared_ptr<const Generation>& generation, Problems& problems) {
    const conf::Settings& settings = generation->settings();
    if (settings.tests.empty()) return;
    Rehearsal rehearsal(generation);
    for (const conf::Test& test : settings.tests) {
        const auto request =
            request_of(settings, {test.method, test.url, test.headers, test.client, test.listener});
        if (!request) {
            problems.push_back({test.place, 0, "this test cannot be run: " + request.error(),
                                "name a listener: listener = \"web\""});
            continue;
        }
        const Rehearsed rehearsed = rehearsal.run(*request);
        // What is wrong there is told already, and does not keep the others from being served.
        if (rehearsed.host != nullptr && rehearsed.host->is_disabled()) continue;
        Judge judge(settings, test, rehearsed, problems);
        for (const conf::Expectation& expectation : test.expect) judge.judge(expectation);
    }
}

}  // namespace gantry::server
