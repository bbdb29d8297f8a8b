#include "core/cli/completion.hpp"

#include "core/cli/exit_code.hpp"
#include "core/cli/help.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

// Within single quotes of a shell.
std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out.append("'\\''");
        } else {
            out.push_back(c);
        }
    }
    return out;
}

template <class Visit>
void for_each_command(const CommandDoc& command, const Visit& visit) {
    visit(command);
    for (const CommandDoc& inner : command.commands) for_each_command(inner, visit);
}

// "config schema" of "gantry config schema".
std::string path_of(const CommandDoc& command) {
    const auto space = command.name.find(' ');
    return space == command.name.npos ? std::string() : command.name.substr(space + 1);
}

std::vector<std::string> spellings(const OptionDoc& option) {
    std::vector<std::string> out;
    if (!option.brief.empty()) out.push_back(option.brief);
    if (!option.full.empty()) out.push_back(option.full);
    return out;
}

std::string topic_words() {
    return fmt::format("{}", fmt::join(help_topics(), " "));
}

// ---- bash

// What may follow an option that takes a value.
std::string bash_values(const CommandDoc& command) {
    std::string out;
    for (const OptionDoc& option : command.options) {
        if (!option.takes_value()) continue;
        const auto choices = option.choices();
        const std::string reply = option.is_file() ? std::string("_gantry_files; return")
                                  : choices.empty()
                                      ? std::string("return")
                                      : fmt::format("_gantry_words '{}'; return",
                                                    quoted(fmt::format("{}", fmt::join(choices, " "))));
        fmt::format_to(std::back_inserter(out), "                {}) {} ;;\n",
                       fmt::join(spellings(option), "|"), reply);
    }
    if (out.empty()) return out;
    return fmt::format("            case $previous in\n{}            esac\n", out);
}

std::string bash_case(const CommandDoc& command) {
    std::vector<std::string> words{"--help"};
    std::string rest;
    for (const OptionDoc& option : command.options) {
        if (!option.is_positional) {
            words.push_back(option.full.empty() ? option.brief : option.full);
        } else if (option.value == "TOPIC") {
            rest = "            [[ $current == -* ]] || { _gantry_words \"$_gantry_topics\"; return; }\n";
        } else if (option.is_file()) {
            rest = "            [[ $current == -* ]] || { _gantry_files; return; }\n";
        } else if (!option.choices().empty()) {
            for (const std::string& choice : option.choices()) words.push_back(choice);
        }
    }
    for (const CommandDoc& inner : command.commands) words.push_back(inner.word());
    return fmt::format("        '{}')\n{}{}            _gantry_words '{}' ;;\n", path_of(command),
                       bash_values(command), rest, quoted(fmt::format("{}", fmt::join(words, " "))));
}

}  // namespace

std::string bash_completion(const CommandDoc& gantry) {
    std::string paths;
    std::string cases;
    for_each_command(gantry, [&](const CommandDoc& command) {
        if (!path_of(command).empty()) paths.append("|").append(quoted(path_of(command)));
        cases.append(bash_case(command));
    });
    std::string out = "# bash completion for gantry; made by: gantry completion bash\n";
    fmt::format_to(std::back_inserter(out), "_gantry_topics='{}'\n", quoted(topic_words()));
    fmt::format_to(std::back_inserter(out), "_gantry_commands='{}|'\n", paths);
    out.append(R"(
_gantry_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_gantry_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

_gantry() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
    # --format=json is three words: "--format", "=" and "json".
    if [[ $current == '=' ]]; then
        current=''
    elif [[ $previous == '=' ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $_gantry_commands == *"|${command:+$command }$word|"* ]]; then
            command+=${command:+ }$word
        fi
    done
    COMPREPLY=()
    case $command in
)");
    out.append(cases);
    return out.append("    esac\n}\ncomplete -F _gantry gantry\n");
}

namespace {

// ---- zsh

// In a description of _arguments, brackets and colons have a meaning.
std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : quoted(text)) {
        if (c == '[' || c == ']' || c == ':') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string zsh_value(const OptionDoc& option) {
    if (option.is_file()) return ":file:_files";
    if (option.value == "TOPIC") return ":topic:(${=_gantry_topics})";
    const auto choices = option.choices();
    if (choices.empty()) return fmt::format(":{}: ", zsh_text(option.value));
    return fmt::format(":value:({})", fmt::join(choices, " "));
}

std::string zsh_option(const OptionDoc& option) {
    if (option.is_positional) {
        const std::string topics =
            option.value == "TOPIC" ? std::string("\"*:topic:(${_gantry_topics})\"") : std::string();
        return topics.empty() ? fmt::format("'{}{}'", option.is_repeated ? "*" : "1", zsh_value(option))
                              : topics;
    }
    const auto names = spellings(option);
    const std::string value = option.takes_value() ? zsh_value(option) : std::string();
    if (names.size() == 1) return fmt::format("'{}[{}]{}'", names[0], zsh_text(option.text), value);
    return fmt::format("'({})'{{{}}}'[{}]{}'", fmt::join(names, " "), fmt::join(names, ","),
                       zsh_text(option.text), value);
}

void append_zsh(std::string& out, const CommandDoc& command) {
    std::string name = command.name;
    for (char& c : name) c = c == ' ' ? '_' : c;
    fmt::format_to(std::back_inserter(out), "_{}() {{\n", name);
    std::string arguments = "'(-h --help)'{-h,--help}'[Say how it is used]'";
    for (const OptionDoc& option : command.options)
        arguments.append(" \\\n        ").append(zsh_option(option));
    if (command.commands.empty()) {
        fmt::format_to(std::back_inserter(out), "    _arguments -S {}\n}}\n\n", arguments);
        return;
    }
    out.append("    local state line curcontext=$curcontext\n    local -a commands=(\n");
    std::string cases;
    for (const CommandDoc& inner : command.commands) {
        std::string text = quoted(inner.text);
        fmt::format_to(std::back_inserter(out), "        '{}:{}'\n", inner.word(), text);
        fmt::format_to(std::back_inserter(cases), "                {}) _{}_{} ;;\n", inner.word(), name,
                       inner.word());
    }
    fmt::format_to(std::back_inserter(out),
                   "    )\n    _arguments -C {} \\\n        '1:command:->command' '*::argument:->argument'\n"
                   "    case $state in\n        command) _describe command commands ;;\n"
                   "        argument)\n            case $line[1] in\n{}            esac ;;\n    esac\n}}\n\n",
                   arguments, cases);
}

}  // namespace

std::string zsh_completion(const CommandDoc& gantry) {
    std::string out = "#compdef gantry\n# zsh completion for gantry; made by: gantry completion zsh\n\n";
    fmt::format_to(std::back_inserter(out), "_gantry_topics='{}'\n\n", quoted(topic_words()));
    for_each_command(gantry, [&](const CommandDoc& command) { append_zsh(out, command); });
    return out.append(
        "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _gantry \"$@\"\nelse\n"
        "    compdef _gantry gantry\nfi\n");
}

// ---- fish

std::string fish_completion(const CommandDoc& gantry) {
    std::string out =
        "# fish completion for gantry; made by: gantry completion fish\ncomplete -c gantry -f\n";
    for_each_command(gantry, [&](const CommandDoc& command) {
        // Of nested commands the inner word decides; it must not be there yet for those beside it.
        std::string when = "__fish_use_subcommand";
        if (!path_of(command).empty()) when = fmt::format("__fish_seen_subcommand_from {}", command.word());
        std::string others;
        for (const CommandDoc& inner : command.commands) others.append(" ").append(inner.word());
        for (const CommandDoc& inner : command.commands) {
            const std::string unless = path_of(command).empty()
                                           ? std::string()
                                           : fmt::format("; and not __fish_seen_subcommand_from{}", others);
            fmt::format_to(std::back_inserter(out), "complete -c gantry -n '{}{}' -a {} -d '{}'\n", when,
                           unless, inner.word(), quoted(inner.text));
        }
        for (const OptionDoc& option : command.options) {
            const auto choices = option.choices();
            if (option.is_positional) {
                const std::string words =
                    option.value == "TOPIC" ? topic_words() : fmt::format("{}", fmt::join(choices, " "));
                if (option.is_file())
                    fmt::format_to(std::back_inserter(out), "complete -c gantry -n '{}' -F\n", when);
                if (words.empty()) continue;
                fmt::format_to(std::back_inserter(out), "complete -c gantry -n '{}' -a '{}'\n", when,
                               quoted(words));
                continue;
            }
            fmt::format_to(std::back_inserter(out), "complete -c gantry -n '{}'", when);
            if (!option.brief.empty()) out.append(" -s ").append(option.brief.substr(1));
            if (!option.full.empty()) out.append(" -l ").append(option.full.substr(2));
            if (option.is_file()) out.append(" -r -F");
            if (!choices.empty())
                fmt::format_to(std::back_inserter(out), " -x -a '{}'", fmt::join(choices, " "));
            if (option.takes_value() && !option.is_file() && choices.empty()) out.append(" -x");
            fmt::format_to(std::back_inserter(out), " -d '{}'\n", quoted(option.text));
        }
    });
    return out;
}

std::string completion_script(const std::string& shell, const CommandDoc& gantry) {
    return shell == "bash"  ? bash_completion(gantry)
           : shell == "zsh" ? zsh_completion(gantry)
                            : fish_completion(gantry);
}

}  // namespace gantry::cli
