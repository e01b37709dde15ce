import { refusesNoHonestSender } from './garbage-tokens.ts'

refusesNoHonestSender(500, 4)
