import { refusesNoHonestSender } from './garbage-tokens.ts'

refusesNoHonestSender(10_000, 20)
