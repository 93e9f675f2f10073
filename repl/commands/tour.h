/* .tour: short steps, each with lines to run. */
#ifndef SC_TOUR_H
#define SC_TOUR_H

#include "repl/commands/runner.h"

bool sc_command_tour(sc_runner *r, const sc_source *source, char *rest);

#endif
