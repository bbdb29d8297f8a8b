// argv → one command; nothing else.
#include "core/cli/command_line.hpp"

int main(int argc, char** argv) {
    return gantry::cli::run_command_line(argc, argv);
}
