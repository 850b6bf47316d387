import { playRaces } from './race-stage.js'
import { races } from './race-table.js'

describe('races', () => playRaces(races))
