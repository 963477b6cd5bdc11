/** @file The worker thread that learns groups. */

import { serve } from "../workers/serve.node";
import { learnGroup, type GroupProblem } from "./group";

serve((problem) => learnGroup(problem as GroupProblem));
