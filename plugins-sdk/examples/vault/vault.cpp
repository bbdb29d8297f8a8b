// Certificates out of a folder: what a host is called is what its file is called. They are there before the first
// client is, and again when a file changes.
#include "gantry/module.hpp"
#include "gantry/ticker.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace {

class Vault {
public:
    static constexpr gantry::Key members[] = {
        gantry::Key::path("folder")
            .required()
            .example("\"/etc/gantry/vault\"")
            .doc("Where the files are: NAME.pem, with certificate and key."),
        gantry::Key::timespan("every", std::chrono::milliseconds{10}, std::chrono::hours{1})
            .standard("\"10s\"")
            .example("\"1m\"")
            .doc("How often they are looked at."),
    };
    static constexpr gantry::Key keys[] = {
        gantry::Key::table("vault", members)
            .in(gantry::kInServer)
            .short_for("folder")
            .example("\"/etc/gantry/vault\"")
            .doc("Shows the certificates of this folder for the hosts that say certificate = \"vault\"."),
    };

    static std::unique_ptr<Vault> prepare(gantry::Scope& top, Vault* old) {
        const gantry::Value value = top.find("vault");
        if (!value) {
            top.error("the module vault does not know where the certificates are",
                      "say so in [server]: vault = \"/etc/gantry/vault\"");
            return nullptr;
        }
        return std::make_unique<Vault>(top.host(), value, old);
    }

    Vault(const gantry::Host& host, gantry::Value value, const Vault* old)
        : host_(host),
          folder_(value.member("folder").text()),
          every_(value.member("every").timespan()),
          serving_(old != nullptr ? old->serving_ : std::make_shared<const Vault*>(nullptr)) {}

    bool want(gantry::Scope& scope, gantry::tls::Names names) {
        for (const std::string_view name : names) {
            const std::string problem = look(std::string{name});
            if (!problem.empty()) scope.warning(problem, "until it is there, clients see a placeholder");
        }
        return true;
    }

    void commit() {
        *serving_ = this;
        ticker_.start<&Vault::look_again>(host_, every_, *this);
    }

    ~Vault() {
        if (*serving_ == this) *serving_ = nullptr;
    }

private:
    struct Seen {
        std::filesystem::file_time_type changed = {};
        std::string said = {};
    };

    // [main] An instance that is on its way out has nothing more to say.
    void look_again() {
        if (*serving_ != this) return;
        for (auto& [name, seen] : seen_) {
            const std::string before = seen.said;
            if (look(name) != before && !seen.said.empty()) host_.write(gantry::LogLevel::Warn, seen.said);
        }
    }

    // Offers what the file has, where it changed. What is wrong with it: "" where all is well. What was offered before
    // stays, unless the file is gone.
    std::string look(const std::string& name) {
        Seen& seen = seen_[name];
        // A star is nothing for the name of a file.
        const std::string path =
            folder_ + "/" + (name.starts_with("*") ? "_" + name.substr(1) : name) + ".pem";
        std::error_code missing;
        const auto changed = std::filesystem::last_write_time(path, missing);
        if (missing) {
            if (seen.changed != decltype(changed){}) gantry::tls::withdraw(host_, name);
            seen = {{}, "there is no certificate " + path};
        } else if (changed != seen.changed) {
            std::ifstream file{path, std::ios::binary};
            const std::string pem{std::istreambuf_iterator<char>{file}, {}};
            const auto made = gantry::tls::Certificate::make(host_, {.chain = pem, .source = path});
            seen = {changed, made ? gantry::tls::offer(host_, name, made).reason : made.reason()};
        }
        return seen.said;
    }

    const gantry::Host& host_;
    const std::string folder_;
    const std::chrono::nanoseconds every_;
    const std::shared_ptr<const Vault*> serving_;  // shared by all generations
    std::map<std::string, Seen> seen_;             // by name
    gantry::Ticker ticker_;
};

}  // namespace

GANTRY_MODULE("vault", "1.0.0", "Shows the certificates of a folder.", gantry::CertificateSource<Vault>);
