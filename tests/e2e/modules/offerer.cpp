// Offers what requests tell it to, and answers hellos as they told it: the certificates are files of the
// test.
#include "gantry/gantry.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using gantry::tls::Certificate;

std::string read(std::string_view path) {
    std::ifstream file{std::string{path}, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        out.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return out;
}

Certificate made(const gantry::Host& host, const std::string& path) {
    return Certificate::make(host, {.chain = read(path + ".pem"),
                                    .key = read(path + ".key"),
                                    .ocsp = read(path + ".ocsp"),
                                    .source = "offerer:" + path.substr(path.rfind('/') + 1)});
}

// What all generations share.
struct Challenges {
    std::mutex mutex;
    std::map<std::string, Certificate, std::less<>> by_name;
};

class Offerer {
public:
    static constexpr const char* modes[] = {"good", "throws", "refuses", "lies", "early", nullptr};
    static constexpr gantry::Key keys[] = {
        gantry::Key::choice("offerer_mode", modes)
            .in(gantry::kInServer | gantry::kInHost)
            .standard("\"good\"")
            .example("\"lies\"")
            .doc("How it behaves."),
        gantry::Key::path("offerer_early")
            .in(gantry::kInHost)
            .example("\"a\"")
            .doc("What it offers while it loads."),
    };

    static std::unique_ptr<Offerer> prepare(gantry::Scope& top, Offerer* old) {
        auto out = std::make_unique<Offerer>();
        out->mode_ = top.find("offerer_mode").text();
        out->challenges_ = old != nullptr ? old->challenges_ : std::make_shared<Challenges>();
        return out;
    }

    bool want(gantry::Scope& scope, gantry::tls::Names names) {
        const std::string_view mode = scope.find("offerer_mode").text();
        if (mode == "throws") throw std::runtime_error("want() of the test throws");
        if (mode == "refuses") {
            scope.error("this host gets no certificate", "ask another module", scope.find("offerer_mode"));
            return false;
        }
        const std::string_view early = scope.find_own("offerer_early").text();
        for (const std::string_view name : names) {
            names_.append(names_.empty() ? "" : " ").append(name);
            if (early.empty()) continue;
            const auto offered =
                gantry::tls::offer(scope.host(), name, made(scope.host(), std::string{early}));
            if (!offered) scope.error(offered.reason, "", scope.find_own("offerer_early"));
        }
        return true;
    }

    gantry::Verdict hello(gantry::Hello& hello) {
        if (hello.server_name() == "refused.test") {
            hello.refuse(112);
            return gantry::Verdict::Fail;
        }
        if (mode_ == "lies") return gantry::Verdict::Done;
        if (!hello.speaks_only("acme-tls/1")) return gantry::Verdict::Next;
        const std::lock_guard lock{challenges_->mutex};
        const auto found = challenges_->by_name.find(hello.server_name());
        if (found == challenges_->by_name.end()) return gantry::Verdict::Next;
        return hello.use(found->second, "acme-tls/1") ? gantry::Verdict::Done : gantry::Verdict::Fail;
    }

    Challenges& challenges() { return *challenges_; }
    const std::string& names() const { return names_; }

private:
    std::string mode_;
    std::string names_;
    std::shared_ptr<Challenges> challenges_;
};

class Desk {
public:
    static constexpr gantry::Key keys[] = {gantry::Key::boolean("offerer")
                                               .in(gantry::kInLocation)
                                               .handler()
                                               .example("true")
                                               .doc("Takes orders.")};

    static std::unique_ptr<Desk> create(gantry::Scope& scope, Offerer& offerer) {
        return scope.find_own("offerer").boolean() ? std::make_unique<Desk>(scope.host(), offerer) : nullptr;
    }
    Desk(const gantry::Host& host, Offerer& offerer) : host_(host), offerer_(offerer) {}

    gantry::Verdict handle(gantry::Exchange& exchange) {
        const gantry::Fields fields = exchange.fields();
        const std::vector<std::string> names = split(fields["X-Names"]);
        const std::vector<std::string> files = split(fields["X-Files"]);
        std::string answer;
        if (exchange.path() == "/names") {
            answer = offerer_.names();
        } else if (exchange.path() == "/challenge") {
            const std::lock_guard lock{offerer_.challenges().mutex};
            for (const std::string& name : names)
                offerer_.challenges().by_name[name] = made(host_, files.at(0));
            answer = "OK";
        } else {
            // A thread of its own is as good as a worker.
            std::thread{[&] { answer = offer(names, files); }}.join();
        }
        exchange.response().status(200).body(answer);
        return gantry::Verdict::Done;
    }

private:
    std::string offer(const std::vector<std::string>& names, const std::vector<std::string>& files) {
        std::vector<Certificate> certificates;
        std::vector<const Certificate*> shown;
        for (const std::string& file : files) {
            certificates.push_back(made(host_, file));
            if (!certificates.back()) return "refused: " + certificates.back().reason();
        }
        for (const Certificate& certificate : certificates) shown.push_back(&certificate);
        const std::vector<std::string_view> views{names.begin(), names.end()};
        const auto offered = gantry::tls::offer(host_, views, shown);
        return offered ? "OK" : std::to_string(offered.result) + ": " + offered.reason;
    }

    const gantry::Host& host_;
    Offerer& offerer_;
};

}  // namespace

GANTRY_MODULE("offerer", "1.0.0", "Offers what it is told to.", gantry::CertificateSource<Offerer>,
              gantry::HelloHook<Offerer>, gantry::Handler<Desk>);
